"""A publication that the gate refuses: all else is done and told, and a person is asked for."""

import json

from flows import road
from flows.cli import main
from tests.support.home import csv_bytes, drop, form, make_home, school_class
from warehouse.publish import PublicationError


def test_a_refused_publication_holds_up_nobody_who_waits(tmp_path, monkeypatch, capsys):
    home = make_home(tmp_path / "home")
    drop(home, "klasse.csv", csv_bytes([*school_class(9), form("P010", safety="2")]))
    monkeypatch.setattr(road, "publish_waves", _refused)

    assert main(["run", "--home", str(home.root)]) == 1
    assert "Not published: 2 hidden but can be worked out" in capsys.readouterr().out

    assert main(["run", "--home", str(home.root), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["not_published_because"] == "2 hidden but can be worked out"
    assert not told["published"]


def _refused(*_args, **_kwargs):
    raise PublicationError("2 hidden but can be worked out")
