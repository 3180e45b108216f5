"""Sealing: flag reports are encrypted to those who may read them, and opened by them alone."""
