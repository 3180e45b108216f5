"""The base of every model that is read from a TOML file: frozen, and a misspelt key is an error."""

from collections.abc import Mapping
from pathlib import Path
from tomllib import TOMLDecodeError, loads
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.speakable import SpeakableError


class DeclarationError(SpeakableError):
    """A settings, survey, instrument or rule file does not say what it must.

    The message names the file, the key and what was expected, never the value that was found:
    a person may have pasted a name or a code where it does not belong.
    """


class Declared(BaseModel):
    """A frozen record that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Tables whose keys are an export's own words, and how deep in them those stand. Messages tell
    # such a key by its number in its table: it is data from outside.
    outside_keys: ClassVar[Mapping[str, int]] = {}

    @classmethod
    def from_toml(cls, text: str, *, name: str) -> Self:
        """Read one record from TOML text; `name` is how messages call the file."""
        try:
            declared = loads(text)
        except TOMLDecodeError as error:
            raise DeclarationError(f"{name}: not valid TOML ({_position(error)})") from None
        try:
            return cls.model_validate(declared)
        except ValidationError as error:
            raise DeclarationError(_explain(error, name, declared, cls.outside_keys)) from None

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read one record from a TOML file in UTF-8."""
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise DeclarationError(f"{path.name}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise DeclarationError(f"{path.name}: not UTF-8 text") from None
        return cls.from_toml(text, name=path.name)


# The one message of pydantic that quotes what was found.
_WITHOUT_VALUE = {"union_tag_invalid": "is none of the kinds that are known here"}


def _position(error: TOMLDecodeError) -> str:
    message = str(error)
    at = message.rfind("(at ")
    return message[at + 1 :].rstrip(")") if at >= 0 else "position unknown"


def _explain(
    error: ValidationError, name: str, declared: dict[str, Any], outside_keys: Mapping[str, int]
) -> str:
    lines = [f"{name}: {error.error_count()} setting(s) to mend"]
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        told = _without_outside(problem["loc"], declared, outside_keys)
        where = ".".join(told) or "(top level)"
        lines.append(f"  {where}: {_WITHOUT_VALUE.get(problem['type'], problem['msg'])}")
    return "\n".join(lines)


def _without_outside(
    loc: tuple[int | str, ...], declared: dict[str, Any], outside_keys: Mapping[str, int]
) -> list[str]:
    """Where a problem stands, with the number in its table instead of a key from outside."""
    depth = outside_keys.get(str(loc[0])) if loc else None
    if depth is None or len(loc) <= depth:
        return [str(part) for part in loc]
    table: Any = declared
    for part in loc[:depth]:
        table = table[part]
    number = list(table).index(loc[depth]) + 1
    return [*(str(part) for part in loc[:depth]), f"number {number}"]
