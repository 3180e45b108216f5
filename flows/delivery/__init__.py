"""Delivery: sealed reports get to who may open them, each version once on each way."""
