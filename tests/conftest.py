"""Fixtures that every test may use."""

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# No test is timed: on a busy machine one would fail for that alone.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The read-only folder of real samples, bad input and published cases beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.fail("the folder `shared` is not beside the checkout; these tests read it in place")
    return folder
