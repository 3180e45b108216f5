"""The tables that analysts read, as data: `schemas/mart.toml`."""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field

from schemas.declared import Declared


class MartColumn(Declared):
    """One column: its type, and what it holds in bokmål, nynorsk and English."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: Literal["varchar", "varchar[]", "tinyint", "bigint", "double", "boolean", "timestamp"]
    nb: str = Field(min_length=1)
    nn: str = Field(min_length=1)
    en: str = Field(min_length=1)


class MartTable(Declared):
    """One table of the schema `mart`."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    nb: str = Field(min_length=1)
    nn: str = Field(min_length=1)
    en: str = Field(min_length=1)
    columns: tuple[MartColumn, ...] = Field(min_length=1, alias="column")


class _MartFile(Declared):
    tables: tuple[MartTable, ...] = Field(min_length=1, alias="table")


@cache
def mart_tables() -> tuple[MartTable, ...]:
    """The published tables, in the order that the dictionary lists them."""
    text = (files("schemas") / "mart.toml").read_text(encoding="utf-8")
    return _MartFile.from_toml(text, name="mart.toml").tables
