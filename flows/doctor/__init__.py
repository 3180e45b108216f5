"""What an installation must be, checked and told; the zones of a home among it."""
