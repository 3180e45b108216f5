"""Documents that a municipality must have, from its settings and from what the code does."""
