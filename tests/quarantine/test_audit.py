"""The audit log: every decision is in it, and an edit, a gap or a cut-off end is told."""

import hashlib
import hmac
import json

import duckdb
import pytest

from tests.quarantine.home import events_of, home_with
from tests.support.home import form, school_class

OTHERS = school_class(4, prefix="Q")


@pytest.fixture
def home(tmp_path, command, asked):
    held = [form(f"P{number:03}", grade="sju") for number in range(4)]
    home = home_with(tmp_path / "home", [*OTHERS, *held])
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    for row in range(6, 10):
        words = [entry["delivery"], "--row", str(row), "--why", "test_rows"]
        assert command(home, "quarantine", "reject", *words)[0] == 0
    return home


def edit(home, *statements):
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        for statement in statements:
            con.execute(statement).fetchall()


def test_whole_log_is_verified_and_tells_its_head(home, command, asked):
    chain = asked(home, "audit", "verify")
    assert (chain["events"], chain["is_whole"]) == (4, True)
    assert command(home, "audit", "verify", "--head", chain["head"])[0] == 0
    assert [detail for *_, detail in events_of(home)] == [
        {"files": 0, "rows": 1, "why": "test_rows"}
    ] * 4


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ("update audit.event set actor = 'somebody' where event_no = 2", 2),
        ("update audit.event set happened_at = happened_at - interval 1 day where event_no = 3", 3),
        ("update audit.event set detail = '{}' where event_no = 1", 1),
        ("update audit.event set sha256 = repeat('a', 64) where event_no = 2", 2),
        ("delete from audit.event where event_no = 3", 3),
        ("delete from audit.event where event_no = 1", 1),
    ],
)
def test_edit_or_gap_is_told_where_it_is(home, command, asked, change, at):
    edit(home, change)
    assert asked(home, "audit", "verify")["broken_at"] == at
    code, said = command(home, "audit", "verify")
    assert code == 5
    assert f"event {at} does not fit" in said


def reseal(home, seal):
    """What somebody does who may write to the warehouse: tell another story, and seal it all."""
    events = "select event_no, epoch_us(happened_at), actor, action, subject, detail"
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("update audit.event set actor = 'somebody' where event_no = 2").fetchall()
        previous = "0" * 64
        for told in con.execute(f"{events} from audit.event order by event_no").fetchall():
            sealed = seal(json.dumps([*told, previous], ensure_ascii=False).encode())
            con.execute(
                "update audit.event set previous = ?, sha256 = ? where event_no = ?",
                [previous, sealed, told[0]],
            ).fetchall()
            previous = sealed


def derived(secret):
    return hmac.digest(secret, b"1|9901|audit seal|", "sha256")


@pytest.mark.parametrize(
    "seal",
    [
        lambda told: hashlib.sha256(told).hexdigest(),
        lambda told: hmac.digest(b"x" * 32, told, "sha256").hex(),
        lambda told: hmac.digest(derived(b"x" * 32), told, "sha256").hex(),
        lambda told: hmac.digest(b"q" * 32, told, "sha256").hex(),
    ],
    ids=["no key", "another key", "another key's own", "the key as it is"],
)
def test_log_that_was_sealed_anew_without_the_key_does_not_fit(home, command, seal):
    reseal(home, seal)
    code, said = command(home, "audit", "verify")
    assert code == 5
    assert "event 1 does not fit" in said


def test_only_the_key_makes_a_seal_that_fits(home, command):
    reseal(home, lambda told: hmac.digest(derived(b"q" * 32), told, "sha256").hex())
    assert command(home, "audit", "verify")[0] == 0


def test_log_is_not_verified_without_its_key(home, command):
    home.key_file.unlink()
    code, said = command(home, "audit", "verify")
    assert code == 2
    assert "key is missing" in said


def test_log_is_not_verified_with_another_key(home, command):
    home.key_file.chmod(0o600)
    home.key_file.write_bytes(b"x" * 32)
    home.key_file.chmod(0o400)
    code, said = command(home, "audit", "verify")
    assert code == 4
    assert "put the old one back" in said


def test_end_that_was_cut_off_shows_to_whoever_wrote_the_head_down(home, command, asked):
    head = asked(home, "audit", "verify")["head"]
    last = "(select max(event_no) from audit.event)"
    edit(home, f"delete from audit.event where event_no = {last}")  # noqa: S608
    assert "cut off" not in command(home, "audit", "verify")[1]
    code, said = command(home, "audit", "verify", "--head", head)
    assert code == 5
    assert "cut off" in said


def test_decision_and_its_event_are_there_together_or_not_at_all(tmp_path, command, asked):
    home = home_with(tmp_path / "home", [*OTHERS, form("P001", grade="sju")])
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    edit(home, "alter table quarantine.decided rename to decided_away")
    code, said = command(home, "quarantine", "reject", entry["delivery"], "--why", "other")
    assert code == 5
    assert "Traceback" not in said
    edit(home, "alter table quarantine.decided_away rename to decided")
    assert events_of(home) == []
    assert asked(home, "quarantine", "list")["deliveries"] == [entry]


def test_every_decision_names_who_why_and_its_event(home):
    with duckdb.connect(str(home.restricted / "warehouse.duckdb"), read_only=True) as con:
        decided = con.execute("""
            select decision, why, decided_by = actor, detail
            from quarantine.decided join audit.event using (event_no)
        """).fetchall()
    assert len(decided) == 4
    for decision, why, is_same, detail in decided:
        assert (decision, is_same, json.loads(detail)["why"]) == ("rejected", True, why)


def test_a_shortened_head_is_no_sign_of_tampering(home, command, asked):
    head = asked(home, "audit", "verify")["head"]
    code, said = command(home, "audit", "verify", "--head", head[:12])
    assert code == 2
    assert "gone" not in said


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("delete from quarantine.decided", "holds none of them"),
        ("delete from audit.event", "in no event"),
    ],
)
def test_decisions_and_the_log_must_tell_of_each_other(home, command, change, word):
    edit(home, change)
    code, said = command(home, "audit", "verify")
    assert code == 5
    assert word in said
