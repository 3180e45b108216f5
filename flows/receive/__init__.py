"""Deliveries over HTTP: into the inbox whole or not at all, and how the pipeline is."""
