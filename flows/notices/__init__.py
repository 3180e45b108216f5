"""Notices: who is told when it matters, once a matter, and nothing is lost when a way is closed."""
