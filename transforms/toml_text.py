"""Texts in the TOML files that we write for people."""

import json


def quoted(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, which allows no DEL in the clear either."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
