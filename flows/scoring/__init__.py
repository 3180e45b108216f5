"""The scores of any one file, without a home."""
