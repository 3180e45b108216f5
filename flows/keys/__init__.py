"""The keys for pupils, each from a school year on."""
