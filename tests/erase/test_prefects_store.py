"""Erasing never writes into Prefect's database, which may be at work just then."""

from pathlib import Path

from flows.erasure.files import clear_own_texts
from flows.home import init_home
from warehouse.whom import Who

CODE = "QX4711AB"


def test_prefects_database_stays_byte_for_byte_and_a_log_loses_the_line(tmp_path: Path) -> None:
    home = init_home(tmp_path)
    store = home.restricted / "prefect"
    store.mkdir()
    content = b"SQLite format 3\0 ... " + CODE.encode() + b" ..."
    for name in ("prefect.db", "prefect.db-wal", "prefect.db-shm"):
        (store / name).write_bytes(content)
    log = home.restricted / "logs" / "serve.jsonl"
    log.write_text(f"a line\none with {CODE} in it\n", encoding="utf-8")
    clear_own_texts(home, Who(CODE, (), ("S01",)))
    assert {path.read_bytes() for path in store.iterdir()} == {content}
    assert log.read_text(encoding="utf-8") == "a line\n"
