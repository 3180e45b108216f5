"""What should have come or been done by now and has not: the check, its command and its flow."""
