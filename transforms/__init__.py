"""What is computed: pure functions and query expressions; no clock, no disk, no connection."""
