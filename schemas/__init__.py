"""What data is: models, instruments, rules, code lists and messages. Imports nothing of ours."""
