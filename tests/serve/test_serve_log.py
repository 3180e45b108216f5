"""The log of `serve`: JSON lines of which the old ones go."""

import json
from pathlib import Path

from flows.serve.log import LONGEST, OLD_FILES, Log


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_line_says_when_who_and_what(tmp_path: Path) -> None:
    log = Log(tmp_path / "serve.jsonl")
    log.tell("worker", event="died", code=-9)
    log.said("server", "én linje\n")
    log.said("server", " \n")
    log.said("server", "x" * 9_999)
    died, spoke, long = lines(log.path)
    assert {**died, "at": ""} == {"at": "", "process": "worker", "event": "died", "code": -9}
    assert str(died["at"]).endswith("+00:00")
    assert spoke["said"] == "én linje"
    assert len(str(long["said"])) == LONGEST


def test_old_files_go_and_the_newest_lines_stay(tmp_path: Path) -> None:
    log = Log(tmp_path / "serve.jsonl", most_bytes=200)
    for number in range(60):
        log.tell("serve", number=number)
    files = sorted(tmp_path.iterdir())
    assert len(files) == OLD_FILES + 1
    kept = [line["number"] for path in files for line in lines(path)]
    assert sorted(kept) == list(range(60 - len(kept), 60))
