"""Whether support groups helped: what was done, in counts, and what changed beside a comparison.

Tables and columns in, tables and figures out; no clock, no disk, no connection. The one outcome,
the limits and the words are declared in `schemas/outcome.toml`; docs/explanation/did-it-help.md has
the formulas, what a comparison cannot rule out, and how often it is right.
"""
