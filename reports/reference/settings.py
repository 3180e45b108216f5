"""The page of settings, from the models that read `klassepuls.toml` and the survey files."""

import inspect
import json
from collections.abc import Iterator, Mapping
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from reports.reference.markdown import code, page, table
from schemas.declared import Declared
from schemas.rule_change import RuleChanges
from schemas.settings import Settings
from schemas.survey import Survey

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", date: "date"}
_BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than",
           "min_length": "at least this long:"}  # fmt: skip


def settings_page() -> str:
    """Every key of `klassepuls.toml` and of a survey file: type, default and meaning."""
    return page(
        "Settings",
        "Files in TOML, UTF-8. A key that is not listed here is an error. How to fill them in"
        " stands in [set up a municipality](../how-to/set-up-a-municipality.md) and"
        " [map a Nettskjema form](../how-to/map-a-nettskjema-form.md).",
        "## klassepuls.toml",
        *_model(Settings, ""),
        "## surveys/NAME.toml",
        *_model(Survey, ""),
        "## rules.toml",
        "Not needed. How to use it stands in [change the rules](../how-to/change-the-rules.md).",
        *_model(RuleChanges, ""),
    )


def _model(model: type[Declared], heading: str) -> Iterator[str]:
    """One table of keys a TOML table, the plain keys first; `heading` is the table's name."""
    plain = {key: field for key, field in _keys(model) if _inner(field) is None}
    if heading:
        yield f"### {code(heading)}"
    yield inspect.cleandoc(model.__doc__ or "")
    if plain:
        yield table(("key", "type", "default", "meaning"), _rows(plain))
    for key, field in _keys(model):
        inner = _inner(field)
        if inner is not None:
            many = get_origin(field.annotation) is tuple
            name = ".".join([*filter(None, [heading.strip("[]")]), key])
            yield from _model(inner, f"[[{name}]]" if many else f"[{name}]")


def _keys(model: type[Declared]) -> list[tuple[str, FieldInfo]]:
    return [(field.alias or name, field) for name, field in model.model_fields.items()]


def _inner(field: FieldInfo) -> type[Declared] | None:
    """The model of a table of its own, once or many times; None for a plain key."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, Declared):
            return kind
    return None


def _rows(fields: Mapping[str, FieldInfo]) -> Iterator[tuple[str, str, str, str]]:
    for key, field in fields.items():
        kind = ", ".join([_kind(field.annotation), *_limits(field)])
        yield code(key), kind, _default(field), field.description or ""


def _kind(annotation: Any) -> str:  # noqa: ANN401 - any type that a setting may have
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(code(json.dumps(value)) for value in inner)
    if origin is Annotated:
        return _kind(inner[0])
    if origin is tuple:
        return f"list: {_kind(inner[0])}"
    if origin is dict:
        return f"table: {_kind(inner[0])} = {_kind(inner[1])}"
    if origin in (Union, UnionType):
        return " or ".join(_kind(part) for part in inner if part is not NoneType)
    return _WORDS[annotation]


def _limits(field: FieldInfo) -> Iterator[str]:
    for limit in field.metadata:
        pattern = getattr(limit, "pattern", None)
        if pattern:
            yield code(pattern)
        for name, words in _BOUNDS.items():
            bound = getattr(limit, name, None)
            if bound is not None:
                yield f"{words} {bound}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return code(json.dumps(field.default)) if field.default else "none"
