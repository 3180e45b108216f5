"""The closed publication plan, as data: `schemas/publication.toml`."""

from functools import cache
from importlib.resources import files
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.declared import Declared
from schemas.settings import MIN_N_FLOOR

GENDER_MIN_N_FLOOR = 10
MIN_CLASSES_FLOOR = 2
SCHOOLS_IN_A_REST_FLOOR = 3
_By = Literal["school_id", "grade", "gender"]


class Place(Declared):
    """One kind of place: what it is one of, and the least that its figures rest on."""

    id: Literal["municipality", "school", "grade", "gender", "school_grade"]
    by: tuple[_By, ...]
    level: Literal["municipality", "school", "grade"]
    min_n: int = Field(ge=MIN_N_FLOOR)
    min_classes: int = Field(ge=MIN_CLASSES_FLOOR)
    min_hidden: int = Field(default=2, ge=2)

    @model_validator(mode="after")
    def _keeps_the_floors(self) -> Self:
        if self.by != _PARTS[self.id]:
            raise ValueError(f"{self.id} is by {list(_PARTS[self.id])}")
        if "gender" in self.by and self.min_n < GENDER_MIN_N_FLOOR:
            raise ValueError(f"what is by gender has min_n of {GENDER_MIN_N_FLOOR} or more")
        if "school_id" in self.by and self.min_hidden < SCHOOLS_IN_A_REST_FLOOR:
            raise ValueError(f"at least {SCHOOLS_IN_A_REST_FLOOR} schools are hidden together")
        return self


_PARTS: dict[str, tuple[_By, ...]] = {
    "municipality": (),
    "school": ("school_id",),
    "grade": ("grade",),
    "gender": ("gender",),
    "school_grade": ("school_id", "grade"),
}


class PublicationPlan(Declared):
    """Every kind of place that is published. Without the municipality no list has its whole."""

    places: tuple[Place, ...] = Field(min_length=1, alias="place")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        ids = [place.id for place in self.places]
        if len(ids) != len(set(ids)):
            raise ValueError("two places have the same id")
        if "municipality" not in ids:
            raise ValueError("the municipality is missing")
        if "school_grade" in ids and not {"school", "grade"} <= set(ids):
            raise ValueError("schools by grade need schools and grades, which they add up to")
        return self

    def place(self, name: str) -> Place:
        """The place of this id. KeyError where the plan has none."""
        return {str(place.id): place for place in self.places}[name]


@cache
def publication_plan() -> PublicationPlan:
    """The plan that comes with Klassepuls."""
    text = (files("schemas") / "publication.toml").read_text(encoding="utf-8")
    return PublicationPlan.from_toml(text, name="publication.toml")
