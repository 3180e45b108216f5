"""Invented municipalities, a pupil at a time, and what an attacker is handed of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.attack.lists import Figure, Lines, Prints
from transforms.attack.system import members
from transforms.disclosure import CELLS, SCORE_UNIT, schools_and_grades_hang_together

GENDERS = ("girl", "boy", "other", "not_stated")


@dataclass(frozen=True)
class Pupil:
    school: str
    grade: int
    class_group: str
    gender: str
    amount: float  # 1 or 0 in a share, points in a mean


@dataclass(frozen=True)
class Home:
    """All pupils of one figure, and the lists that they are counted in."""

    pupils: Sequence[Pupil]
    kind: str = "share"
    highest: float = 1.0

    @property
    def unit(self) -> int:
        return SCORE_UNIT if self.kind == "mean" else 1

    @property
    def lines(self) -> list[tuple[str, object]]:
        schools = sorted({pupil.school for pupil in self.pupils})
        if self.kind == "count":
            return [("municipality", None), *(("school", school) for school in schools)]
        grades = sorted({pupil.grade for pupil in self.pupils})
        return [
            ("municipality", None),
            *(("school", school) for school in schools),
            *(("grade", grade) for grade in grades),
            *(("gender", gender) for gender in GENDERS),
        ]

    def of(self, level: str, name: object) -> list[Pupil]:
        return [p for p in self.pupils if level == "municipality" or getattr(p, level) == name]

    def cells(self) -> pa.Table:
        """What the suppressor is given."""
        taught = sorted({(p.school, p.grade) for p in self.pupils})
        school_no = np.unique([school for school, _ in taught], return_inverse=True)[1]
        one_piece = schools_and_grades_hang_together(school_no, np.array([g for _, g in taught]))
        rows = []
        for level, name in self.lines:
            own = self.of(level, name)
            rows.append(
                {
                    "table": "t",
                    "kind": self.kind,
                    "level": level,
                    "n": len(own),
                    "total": round(sum(p.amount for p in own) * self.unit),
                    "lowest": 0,
                    "highest": round(self.highest * self.unit),
                    "classes": len({(p.school, p.class_group) for p in own}),
                    "one_piece": one_piece,
                }
            )
        return pa.Table.from_pylist(rows, schema=CELLS)

    def figure(self, printed: pa.Table, *, min_n: int = 5) -> Figure:
        """What the attacker is given: `printed` has the suppressor's columns, a row a line."""
        names = [(p.school, p.grade, p.gender) for p in self.pupils]
        groups = {name: at for at, name in enumerate(sorted(set(names)))}
        n, part = np.zeros(len(groups), np.int64), np.zeros(len(groups))
        for name, pupil in zip(names, self.pupils, strict=True):
            n[groups[name]] += 1
            part[groups[name]] += pupil.amount
        own = [self.of(level, name) for level, name in self.lines]
        sets = [sorted({groups[p.school, p.grade, p.gender] for p in some}) for some in own]
        shown = [at for at, hidden in enumerate(printed["suppressed"].to_pylist()) if not hidden]
        at = pa.array(shown, pa.int64())
        empty = np.full(len(shown), None, object)
        count = self.kind == "count"
        lines = members(sets, len(groups))
        return Figure(
            kind=self.kind,
            lowest=0.0,
            reach=self.highest,
            n=n,
            part=part,
            lines=Lines(
                level=np.array([level for level, _ in self.lines], object),
                members=lines,
                n=np.array([len(some) for some in own]),
                part=lines @ part,
                classes=np.array([len({(p.school, p.class_group) for p in x}) for x in own]),
            ),
            prints=Prints(
                line=np.array(shown, np.int64),
                value=np.array(printed["value"].take(at).to_pylist(), float),
                n_band=empty if count else np.array(printed["n_band"].take(at).to_pylist(), object),
                total_band=np.array(printed["total_band"].take(at).to_pylist(), object)
                if count
                else empty,
            ),
            min_n=min_n,
        )
