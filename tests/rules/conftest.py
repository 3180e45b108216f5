"""A school to answer in."""

import pytest

from tests.rules.build import open_town


@pytest.fixture
def town():
    with open_town() as made:
        yield made
