"""The data docs: pages for analysts made from the published file, and one for the operator."""
