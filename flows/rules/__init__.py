"""Rules, tried out before they count: on the home, and where the truth is known."""
