"""Worlds in which the truth is known: how many classes are off, where, since when, and what helps.

All of them are the demo's municipality with something else planted in it: pupils who are worse off
answer less often, some answer without reading, some change class, and shares differ by grade.
"""

from dataclasses import dataclass

from transforms.synthetic.states import EVERY_THEME


@dataclass(frozen=True, slots=True)
class World:
    """What is planted.

    `share`: of all classes, those that are truly off; None plants as the demo does. `clustered`:
    they are the classes of a few schools. `drifting`: they begin as ordinary ones, and get there
    in equal steps until the last wave. `groups`: pupils with a flag get a support group, which
    makes all their hidden quantities `effect` standard deviations better in the next wave.
    """

    name: str
    about: str
    share: float | None = None
    theme: str = EVERY_THEME
    clustered: bool = False
    drifting: bool = False
    groups: bool = False
    effect: float = 0.0

    def strength(self, number: int, waves: int) -> float:
        """How far the planted classes have come in wave `number` of so many, 0-1."""
        return number / max(waves - 1, 1) if self.drifting else 1.0


DEMO = World("demo", "a few classes with bullying or unsafety, one of them from the second wave on")

_OFF = 0.06
WORLDS = {
    world.name: world
    for world in (
        World("null", "no class differs from the others of its grade", share=0.0),
        World("sparse", "6 % of classes are truly at 35 %, anywhere", share=_OFF),
        World("clustered", "the same 6 %, in a few schools", share=_OFF, clustered=True),
        World("drifting", "the same 6 %, getting there wave by wave", share=_OFF, drifting=True),
        World("no_effect", "flagged pupils get groups that change nothing", share=0.0, groups=True),
        World(
            "works",
            "flagged pupils get groups that help: 0.7 SD better in the next wave",
            share=0.0,
            groups=True,
            effect=0.7,
        ),
    )
}
