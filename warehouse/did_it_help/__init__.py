"""What is read of cases and answers to say whether groups helped, and what of it is published."""
