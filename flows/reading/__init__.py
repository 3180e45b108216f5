"""Untrusted files are parsed in a child process with limits; the parent trusts none of it."""
