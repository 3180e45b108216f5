"""A file that is written again is the old one or the new one, whoever looks, whatever happens."""

import stat

import pytest

from warehouse.swap import whole


@pytest.mark.parametrize("durable", [False, True])
def test_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path, *, durable):
    path = tmp_path / "note.json"
    path.write_text("old", encoding="utf-8")
    with whole(str(path), mode=0o640, durable=durable) as file:
        file.write("nytt på norsk")
        assert path.read_text(encoding="utf-8") == "old"

    assert path.read_text(encoding="utf-8") == "nytt på norsk"
    assert list(tmp_path.iterdir()) == [path]


def test_writer_that_is_stopped_leaves_the_old_file_and_the_next_one_starts_anew(tmp_path):
    path = tmp_path / "note.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError), whole(str(path), mode=0o640) as file:
        file.writelines(["half, and much longer than what comes", "\ud800"])
    assert path.read_text(encoding="utf-8") == "old"
    assert {left.name for left in tmp_path.iterdir()} == {"note.json", ".note.json.partial"}

    with whole(str(path), mode=0o640) as file:
        file.write("new")
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_file_may_be_read_by_whom_its_writer_says(tmp_path, mode):
    path = tmp_path / "note.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o666)
    with whole(str(path), mode=mode) as file:
        file.write("new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
