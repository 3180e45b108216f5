"""Guards of what no other test would notice: packages, names, entrypoints, triggers and the wheel.

Each has been seen to fail on the fault that it is there for.
"""

import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml
from cronsim import CronSim

from flows.due import DEPLOYMENTS, POOL
from flows.events import NEXT_LABEL, PAYLOADS, EventName, NextFlow
from schemas.settings import Schedule

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("flows", "reports", "warehouse", "transforms", "schemas")
MANIFEST = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
BY_ENTRYPOINT = {entry["entrypoint"]: entry for entry in MANIFEST["deployments"]}
TEMPLATE = "{{ event.payload."


def run_alone(script: str, *arguments: str, home: Path) -> Any:
    """What a script prints as JSON in a process of its own, where nothing is imported yet."""
    clean = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=clean | {"PREFECT_HOME": str(home), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def flow_of(entry: dict[str, Any]) -> str:
    """The name that Prefect gives the flow of a deployment."""
    return str(entry["entrypoint"].rpartition(":")[2]).replace("_", "-")


def triggers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every trigger with its deployment."""
    return [
        (entry, trigger)
        for entry in MANIFEST["deployments"]
        for trigger in entry.get("triggers", [])
    ]


# What `serve` puts into prefect.yaml where the settings say nothing.
SAID = {"KLASSEPULS_CRON": Schedule().nightly, "KLASSEPULS_TIMEZONE": Schedule().timezone}


def cron_schedules() -> list[dict[str, Any]]:
    """Every schedule of every deployment, with what the settings say by default."""
    found = [
        schedule for entry in MANIFEST["deployments"] for schedule in entry.get("schedules", [])
    ]
    said = {f"{{{{ ${name} }}}}": value for name, value in SAID.items()}
    return [
        {
            key: said.get(value, value) if isinstance(value, str) else value
            for key, value in one.items()
        }
        for one in found
    ]


@pytest.mark.parametrize("name", PACKAGES)
def test_package_is_the_one_of_this_checkout(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve().parent == ROOT / name


def test_no_flow_file_hides_a_module_of_ours_of_python_or_of_a_library() -> None:
    # Prefect puts flows/ first on sys.path when it loads a flow from its file.
    stems = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert not stems & set(PACKAGES)
    assert not stems & sys.stdlib_module_names
    assert not stems & set(packages_distributions())


LOAD = """
import json, sys
from prefect.flows import load_flow_from_entrypoint
flow = load_flow_from_entrypoint(sys.argv[1], use_placeholder_flow=False)
properties = flow.parameters.model_dump()["properties"]
print(json.dumps({"name": flow.name, "parameters": sorted(properties),
    "prints": bool(flow.log_prints), "persists": flow.persist_result}))
"""


@pytest.mark.parametrize("entrypoint", BY_ENTRYPOINT)
def test_flow_loads_alone_and_takes_what_its_deployment_gives(
    entrypoint: str, tmp_path: Path
) -> None:
    flow = run_alone(LOAD, entrypoint, home=tmp_path)
    entry = BY_ENTRYPOINT[entrypoint]
    given = [entry["parameters"], *(one["parameters"] for one in entry.get("triggers", []))]
    assert flow["name"] == flow_of(entry)
    assert all(set(parameters) <= set(flow["parameters"]) for parameters in given)
    assert flow["prints"] is False
    assert flow["persists"] is False


TINY_ROAD = """
import json, sys
from datetime import date, timedelta
from pathlib import Path
from flows.cli import main
from flows.simulate import write_home_settings
from schemas.settings import Wave
from transforms.synthetic.formats import to_csv
from transforms.synthetic.municipality import make_municipality

root, today = Path(sys.argv[1]), date.today()
wave = Wave(id="V", name="V", school_year="2026-27", opens=today - timedelta(30), closes=today)
town = make_municipality(schools=1, grades=range(6, 7), waves=[wave], seed=1)
main(["init", str(root)])
write_home_settings(root, town)
(root / "inbox" / "answers.csv").write_bytes(to_csv(town.answers))
code = main(["run", "--home", str(root)])
reports = len(list((root / "health").rglob("*.html")))
print()
print(json.dumps({"code": code, "reports": reports, "prefect": "prefect" in sys.modules}))
"""


def test_command_line_goes_the_road_without_prefect(tmp_path: Path) -> None:
    ended = run_alone(TINY_ROAD, str(tmp_path / "home"), home=tmp_path)
    assert ended["code"] in (0, 1)
    assert ended["reports"] > 0
    assert ended["prefect"] is False


def test_wheel_has_every_file_of_the_packages_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == ours


def test_triggers_wait_for_events_that_are_told() -> None:
    expected = {name for _, trigger in triggers() for name in trigger["expect"]}
    assert expected
    assert expected <= set(EventName)


def test_every_key_of_a_template_is_in_the_payload() -> None:
    # A key that is missing means no run, and nobody is told.
    for _, trigger in triggers():
        used = {
            value.removeprefix(TEMPLATE).removesuffix(" }}")
            for value in trigger["parameters"].values()
            if value.startswith(TEMPLATE)
        }
        for name in trigger["expect"]:
            assert used <= set(PAYLOADS[EventName(name)].__required_keys__)


def test_every_template_is_of_a_known_form() -> None:
    texts = [*(entry["parameters"] for entry in MANIFEST["deployments"])]
    texts += [trigger["parameters"] for _, trigger in triggers()]
    values = {value for parameters in texts for value in parameters.values()}
    assert all(
        value == "{{ $KLASSEPULS_HOME }}" or (value.startswith(TEMPLATE) and value.endswith(" }}"))
        for value in values
    )


def test_a_fact_makes_due_the_flow_whose_trigger_waits_for_it() -> None:
    waited_for = {
        trigger["match"][NEXT_LABEL]: flow_of(entry)
        for entry, trigger in triggers()
        if NEXT_LABEL in trigger["match"]
    }
    assert waited_for == {name: name for name in get_args(NextFlow)}


def test_sweep_and_watcher_start_deployments_that_are_there() -> None:
    there = {f"{flow_of(entry)}/{entry['name']}" for entry in MANIFEST["deployments"]}
    assert set(DEPLOYMENTS.values()) <= there
    assert {entry["work_pool"]["name"] for entry in MANIFEST["deployments"]} == {POOL}


def test_each_deployment_runs_once_at_a_time() -> None:
    assert all(entry["concurrency_limit"]["limit"] == 1 for entry in MANIFEST["deployments"])


def test_nightly_run_is_scheduled_as_the_settings_say() -> None:
    [nightly] = BY_ENTRYPOINT["flows/run_road.py:run_road"]["schedules"]
    said = {f"{{{{ ${name} }}}}": value for name, value in SAID.items()}
    assert {nightly["cron"], nightly["timezone"]} == set(said)


@pytest.mark.parametrize("schedule", cron_schedules(), ids=lambda schedule: schedule["slug"])
def test_cron_is_valid_and_never_in_the_hour_that_a_night_lacks(schedule: dict[str, Any]) -> None:
    zone = ZoneInfo(schedule["timezone"])
    start = datetime(2026, 1, 1, tzinfo=zone)
    offsets = {(start + timedelta(days=day)).utcoffset() for day in range(0, 366, 30)}
    fires = CronSim(schedule["cron"], start)
    hours = {next(fires).hour for _ in range(7 * 24 * 6)}
    assert len(offsets) == 1 or 2 not in hours
