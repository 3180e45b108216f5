"""The rights of whoever stands behind a code: access, erasure, and the end of keeping."""
