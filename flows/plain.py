"""What tables hold, as JSON can say it."""

from datetime import date, datetime
from typing import Any


def as_plain(value: Any) -> Any:  # noqa: ANN401 - whatever a table holds
    """Days as text, numbers of any kind as numbers, and all that lies in lists and dicts."""
    if isinstance(value, dict):
        return {name: as_plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else float(value)
