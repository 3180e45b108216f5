"""What waits for a person, what people decide on it, and what is told of that."""
