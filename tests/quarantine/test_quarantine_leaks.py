"""No pupil code, answer or text of a cell is in anything that the quarantine's commands say."""

from tests.quarantine.home import home_with
from tests.support.home import CORE, form, run, school_class
from tests.support.state import bytes_below

CODES = ("QX7-81KZPD", "WV3-55MTLB", "ZJ9-20HRCG")
CELLS = ("Torvald Qvigstad", "jenté sju7", "sjuende Xandra")


def test_nothing_planted_is_said_or_logged(tmp_path, command, asked):
    rows = [form(code) for code in CODES]
    home = home_with(
        tmp_path / "home",
        [*school_class(3), *rows, rows[0] | {f"{CORE}.thriving": "4"}],
        [form("P900", grade=CELLS[0]), form("P901", gender=CELLS[1])],
        [form("P902", safety=CELLS[2]), form(CODES[1], safety="1")],
    )
    said = []

    def give(*words):
        for more in ([], ["--json"]):
            code, told = command(home, *words, *more)
            said.append(told)
        return code

    give("quarantine", "list")
    waiting = asked(home, "quarantine", "list")
    for entry in waiting["deliveries"]:
        give("quarantine", "show", entry["delivery"])
    for entry in waiting["contradictions"]:
        give("quarantine", "show", entry["id"])
    fixes = (
        ("grade", CELLS[0], "7"),
        ("gender", CELLS[1], "girl"),
        (f"{CORE}.safety", CELLS[2], "1"),
    )
    for column, text, ours in fixes:
        words = ["--survey", "klassepuls", "--column", column, "--from", text]
        give("quarantine", "map", *words, "--to", ours)
        give("quarantine", "map", *words, "--to", "nothing of ours")
    give("quarantine", "map")
    first, second = (entry["id"] for entry in waiting["contradictions"])
    give("quarantine", "release", first, "--latest", "--why", "other")
    give("quarantine", "reject", second, "--why", "other")
    run(home)
    give("quarantine", "list")
    give("audit", "verify")
    everything = "".join(said)
    assert "CONFLICTING_ANSWERS" in everything
    assert "Nothing waits." in everything
    for secret in (*CODES, *CELLS, *(cell.split()[-1] for cell in CELLS)):
        assert secret not in everything, "a planted text was said"
    below = bytes_below(home.restricted)
    for secret in (*CODES, *CELLS):
        holders = {name for name, content in below.items() if secret.encode() in content}
        assert holders <= {"vault/vault.duckdb", "quarantine/fixes.toml"}
    assert any(CELLS[0].encode() in content for content in below.values())
    assert home.fixes_file.stat().st_mode & 0o077 == 0
