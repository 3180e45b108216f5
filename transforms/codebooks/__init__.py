"""Codebooks: what a survey tool says of its own questions, their codes and labels."""
