"""Survey tools: how each writes its export, turned into the one shape that readers return."""
