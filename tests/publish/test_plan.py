"""The publication plan: closed, and above the floors that are in code."""

from importlib.resources import files

import pytest

from schemas.declared import DeclarationError
from schemas.publication import PublicationPlan, publication_plan

TEXT = (files("schemas") / "publication.toml").read_text(encoding="utf-8")


def test_shipped_plan_has_five_kinds_of_place_and_none_by_class():
    assert [place.id for place in publication_plan().places] == [
        "municipality",
        "school",
        "grade",
        "gender",
        "school_grade",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('level = "grade"\nmin_n = 5', 'level = "grade"\nmin_n = 4'),
        ("min_n = 10", "min_n = 9"),  # by gender
        ("min_classes = 2", "min_classes = 1"),
        ("min_hidden = 3", "min_hidden = 2"),  # schools
        ('by = ["school_id", "grade"]', 'by = ["school_id"]'),
        ('by = ["gender"]', 'by = ["class_group"]'),
        ('id = "municipality"', 'id = "county"'),
        ('id = "school"', 'id = "grade"'),
    ],
)
def test_plan_below_a_floor_or_outside_the_closed_list_is_refused(old, new):
    assert old in TEXT
    with pytest.raises(DeclarationError):
        PublicationPlan.from_toml(TEXT.replace(old, new), name="publication.toml")


def test_plan_without_the_whole_is_refused():
    place = '[[place]]\nid = "school"\nby = ["school_id"]\nlevel = "school"\n'
    place += "min_n = 5\nmin_classes = 2\nmin_hidden = 3\n"
    with pytest.raises(DeclarationError, match="municipality"):
        PublicationPlan.from_toml(place, name="publication.toml")
