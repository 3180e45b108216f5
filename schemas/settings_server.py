"""The settings of `klassepuls serve`: the nightly run, and the Prefect server of this machine."""

from typing import Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from schemas.cron import hours_of, without_months
from schemas.declared import Declared

# In March a night has no such hour, and in October one has it twice.
_LOST_HOUR = 2
SQLITE, POSTGRESQL = "sqlite", "postgresql+asyncpg"


class Schedule(Declared):
    """When the nightly run starts: cron in local time, outside 02-03, which a DST night skips."""

    cron: str = Field(
        default="15 5 * * 1-5",
        description="Minute, hour, day, month, weekday of the nightly run that `klassepuls serve`"
        " deploys; it deploys anew when this is changed.",
    )
    timezone: str = Field(
        default="Europe/Oslo",
        description="The municipality's clock: deadlines and closings are days on it.",
    )
    no_runs_in: tuple[int, ...] = Field(
        default=(7,),
        description="Months without a nightly run, by number: school is out. A file that is"
        " dropped then is taken in all the same.",
    )

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("not a time zone; Norway's is Europe/Oslo")
        return name

    @field_validator("cron")
    @classmethod
    def _fires_every_night(cls, line: str) -> str:
        if hours_of(line) == {_LOST_HOUR}:
            raise ValueError("between 02 and 03 a night in March has no such hour: choose another")
        return line

    @field_validator("no_runs_in")
    @classmethod
    def _are_months(cls, months: tuple[int, ...]) -> tuple[int, ...]:
        if not set(months) <= set(range(1, 13)):
            raise ValueError("a month is a number from 1 to 12")
        return months

    @model_validator(mode="after")
    def _leaves_a_month(self) -> Self:
        without_months(self.cron, self.no_runs_in)
        return self

    @property
    def nightly(self) -> str:
        """The cron line that is deployed: `cron`, silent in the months without runs."""
        return without_months(self.cron, self.no_runs_in)


class Server(Declared):
    """What `klassepuls serve` keeps running on this machine, on loopback only."""

    port: int = Field(
        default=4200,
        ge=1024,
        le=65535,
        description="The Prefect server's port on 127.0.0.1; another for each home of a machine.",
    )
    ui: bool = Field(default=True, description="Whether the server shows Prefect's pages.")
    look_every_seconds: float = Field(
        default=2.0,
        ge=0.2,
        le=60,
        description="How often the watcher looks into the inbox and the worker asks for runs.",
    )
    database: str = Field(
        default=SQLITE,
        description="Where Prefect keeps its runs: `sqlite` is a file in `restricted/prefect/`;"
        " `postgresql+asyncpg://USER@HOST:PORT/NAME` is better where hundreds of files come at"
        " once. Without a password: it never stands here.",
    )
    password_file: str | None = Field(
        default=None,
        description="A file of mode 600 with PostgreSQL's password and nothing else, where one is"
        " needed.",
    )

    @field_validator("database")
    @classmethod
    def _is_a_database_without_a_password(cls, url: str) -> str:
        if url == SQLITE:
            return url
        parts = urlsplit(url)
        if parts.scheme != POSTGRESQL or not parts.hostname or len(parts.path) < len("/n"):
            raise ValueError(f"say `{SQLITE}`, or `{POSTGRESQL}://USER@HOST:PORT/NAME`")
        if parts.password is not None or "password" in parts.query:
            raise ValueError("no password here: put it into a file, and name that: password_file")
        return url

    @model_validator(mode="after")
    def _password_is_for_postgresql(self) -> Self:
        if self.password_file and self.database == SQLITE:
            raise ValueError("password_file is for a database of PostgreSQL; SQLite has none")
        return self
