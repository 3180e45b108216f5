"""The notebook for analysts runs on the published file, without a browser or anything of ours."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.publish.build import deliver, warehouse
from tests.publish.publishing import classes, publish_to, read

NOTEBOOK = ROOT / "reports" / "notebooks" / "published.py"
# What the cells made and showed, from a run as a script.
RUN = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("notebook", sys.argv.pop(1))
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
outputs, made = module.app.run()
names = ("statistics", "whole", "schools", "grades", "answered", "hidden", "answer")
shown = "".join(one.text for one in outputs if hasattr(one, "text"))
print(json.dumps({"made": {name: made[name] for name in names}, "shown": shown}))
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A published file of five schools, one of them with few who are bullied."""
    con = warehouse()
    deliver(con, [form for school in "ABCDE" for form in classes(school)])
    target = tmp_path_factory.mktemp("notebook") / "analyst" / "klassepuls.duckdb"
    publish_to(target, con)
    con.close()
    return target


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    # Its own settings must not come from, or go to, the home of whoever runs the tests.
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "MARIMO_SKIP_UPDATE_CHECK": "1"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=folder, env=os.environ | own,
    )  # fmt: skip


def test_it_runs_through_and_shows_what_the_file_says(published, tmp_path):
    done = run("-c", RUN, NOTEBOOK, "--file", published, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    made, shown = told["made"], told["shown"]
    indicators = read(published, "select distinct indicator from mart.indicator order by all")
    assert [[name] for name in made["statistics"]] == [list(row) for row in indicators]
    first = next(iter(made["statistics"]))
    query = "select {} , value, n_band from mart.indicator where indicator = ? and {} order by 1"
    for name, column, where in (
        ("whole", "wave_id", "level = 'municipality' and gender is null"),
        ("schools", "school_id", "level = 'school' and grade is null"),
        ("grades", "grade", "level = 'grade'"),
    ):
        rows = read(published, query.format(column, where), first)
        assert made[name] == [list(row) for row in rows]
        assert rows
    described = "select label_nb from mart.dictionary where name = ?"
    [(label,)] = read(published, described, first)
    assert label in shown
    assert "pseudonymous" in shown
    assert shown.count("<svg") >= 5
    assert len(made["hidden"]) > 2
    assert len(made["answer"]) == len(read(published, "from mart.lineage"))


def test_it_finds_the_file_beside_its_folder(published, tmp_path):
    shutil.copyfile(published, tmp_path / published.name)
    (tmp_path / "docs").mkdir()
    beside = tmp_path / "docs" / "notebook.py"
    shutil.copyfile(NOTEBOOK, beside)
    done = run(beside, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_without_a_file_it_says_so(tmp_path):
    done = run(NOTEBOOK, "--file", tmp_path / "none.duckdb", folder=tmp_path)
    assert done.returncode != 0
    assert "no published file there: name one with --file" in done.stderr + done.stdout


def test_it_needs_duckdb_and_marimo_and_nothing_of_ours():
    tree = ast.parse(NOTEBOOK.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert imported - sys.stdlib_module_names == {"duckdb", "marimo"}


def test_it_is_a_notebook_that_marimo_takes(tmp_path):
    done = run("-m", "marimo", "check", "--strict", NOTEBOOK, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
