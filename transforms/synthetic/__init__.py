"""A municipality that does not exist, with truth planted in it: pure and repeatable by seed."""
