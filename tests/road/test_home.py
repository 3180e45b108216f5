"""A home's declarations: a mistake is told with its file, before any delivery is touched."""

from pathlib import Path

import pytest

from flows.home import Home, HomeError, init_home, load_config, open_home
from schemas.declared import DeclarationError
from tests.support.home import CORE, make_home, survey_toml
from tests.support.loading import TINY


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def test_making_a_home_again_keeps_the_key_and_the_settings(home):
    key, settings = home.key_file.read_bytes(), home.settings_file.read_bytes()
    init_home(home.root)
    assert (home.key_file.read_bytes(), home.settings_file.read_bytes()) == (key, settings)


def test_two_homes_have_two_keys(home, tmp_path):
    assert home.key_file.read_bytes() != make_home(tmp_path / "other").key_file.read_bytes()


def test_folder_without_settings_is_no_home(tmp_path):
    with pytest.raises(HomeError, match="klassepuls init"):
        open_home(tmp_path)


def test_lost_key_is_told_and_never_replaced(home):
    home.key_file.unlink()
    with pytest.raises(HomeError, match="restore it"):
        open_home(home.root)
    assert not home.key_file.exists()


def test_key_that_others_may_read_is_refused(home):
    home.key_file.chmod(0o440)
    with pytest.raises(HomeError, match="chmod it to 400"):
        load_config(home)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (f'items = {{ "{CORE}.thrivng" = "q1" }}', f"no item {CORE}.thrivng"),
        ('items = { "nobody_v1.thriving" = "q1" }', "no item nobody_v1.thriving"),
        ('items = { thriving = "q1" }', "no item thriving"),
        (f'codes = {{ "{CORE}.thriving" = {{ "veldig bra" = "6" }} }}', "not an option"),
        ('codebook = "nowhere.json"', "codebook"),
    ],
)
def test_survey_that_names_what_is_not_there_is_told_by_its_file(home, more, told):
    text = survey_toml(more=more)
    (home.surveys / "klassepuls.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError, match=told):
        load_config(home)


def test_two_surveys_may_not_have_one_id(home):
    (home.surveys / "again.toml").write_text(survey_toml(), encoding="utf-8")
    with pytest.raises(DeclarationError, match="with this id"):
        load_config(home)


def test_two_instruments_may_not_have_one_version(home):
    for name in ("a.toml", "b.toml"):
        (home.instruments / name).write_text(TINY, encoding="utf-8")
    with pytest.raises(DeclarationError, match="tiny_v1"):
        load_config(home)


def test_instrument_that_is_shipped_may_not_be_replaced(home):
    text = TINY.replace('id = "tiny"', 'id = "who5"')
    (home.instruments / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError, match="shipped"):
        load_config(home)
