"""Verified copies of a home, and the way back from one."""
