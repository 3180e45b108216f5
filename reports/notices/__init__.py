"""Notices as people read them: short letters in the municipality's languages."""
