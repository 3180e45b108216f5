"""What every single step of the road needs: the home, its declarations, the warehouse, the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from flows.home import Config, Home, HomeError, load_config, open_home
from flows.road import at_work
from warehouse.stages import answered_waves


@dataclass(frozen=True, slots=True)
class Stage:
    """An open warehouse, and all that a step asks about it."""

    con: duckdb.DuckDBPyConnection
    home: Home
    config: Config
    now: datetime

    def waves(self, wave_id: str | None) -> list[str]:
        """The wave that was asked for, or all that somebody has answered."""
        if wave_id is None:
            return answered_waves(self.con)
        if all(wave.id != wave_id for wave in self.config.settings.waves):
            raise HomeError("klassepuls.toml has no [[wave]] with the id that was asked for")
        return [wave_id]


@contextmanager
def open_stage(home: str) -> Iterator[Stage]:
    """Open a home for one step, now; WarehouseBusyError where another run holds the warehouse."""
    place = open_home(Path(home))
    config = load_config(place)
    now = datetime.now(UTC)
    with at_work(place, config, now=now) as con:
        yield Stage(con, place, config, now)
