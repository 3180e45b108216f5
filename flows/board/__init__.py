"""The case board as a command: the warehouse, the clock and the actions for `reports/board`."""
