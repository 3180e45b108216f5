"""`[board]` in `klassepuls.toml`: the case board, and who may do what on it."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import Field, field_validator

from schemas.case_life import Role
from schemas.declared import Declared

BoardRole = Literal["nurse", "lead", "resource_group", "owner"]
BOARD_ROLES: tuple[BoardRole, ...] = get_args(BoardRole)

# Under which role a user's steps stand in the history of a case.
CASE_ROLE: Mapping[BoardRole, Role] = {
    "nurse": "nurse",
    "lead": "health_service_lead",
    "resource_group": "management",
    "owner": "school_owner",
}


class Board(Declared):
    """The case board, a web page on this machine for the nurse and the resource group."""

    enabled: bool = Field(
        default=False, description="Whether `klassepuls serve` starts the case board too."
    )
    port: int = Field(default=8480, ge=1024, le=65535, description="Where on 127.0.0.1 it answers.")
    address: str = Field(
        default="",
        description="How people reach it where a proxy with TLS stands before it:"
        " `https://board.example.no`. Empty: `http://127.0.0.1` and the port.",
    )
    link_minutes: int = Field(
        default=30, ge=5, le=1440, description="How long a link for signing in holds."
    )
    idle_minutes: int = Field(
        default=20, ge=5, le=120, description="Minutes without a page after which one is out."
    )
    session_hours: int = Field(
        default=9, ge=1, le=24, description="Hours after which one is out in any case."
    )

    @field_validator("address")
    @classmethod
    def _is_https(cls, address: str) -> str:
        plain = address.rstrip("/")
        if plain and (not plain.startswith("https://") or plain.count("/") > 2):  # noqa: PLR2004
            raise ValueError("https:// and a name, with no path: nothing else keeps codes secret")
        return plain
