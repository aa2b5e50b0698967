"""Histories as tables."""

from pathlib import Path

import pytest

from iowitness.traces import event_table
from iowitness.traces.event_table import COLUMNS, AnalysisMissing, write_duckdb, write_parquet
from iowitness.traces.strace_history import read_history

RECORDED = Path(__file__).parents[2] / "traces" / "recorded"
duckdb = pytest.importorskip("duckdb")


def test_a_parquet_file_has_a_row_for_each_event(tmp_path: Path) -> None:
    history = read_history(RECORDED / "nginx-sendfile-on.strace.xz")
    path = tmp_path / "it's.parquet"
    write_parquet(history.events, path)
    quoted = str(path).replace("'", "''")
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT count(*), max(number) FROM '{quoted}'").fetchone()
        sent = connection.execute(
            f"SELECT sum(byte_count) FROM '{quoted}' WHERE kind = 'Transferred'"
        ).fetchone()
        columns = connection.execute(f"DESCRIBE SELECT * FROM '{quoted}'").fetchall()
    assert rows == (len(history), len(history) - 1)
    assert sent == (25_174_824,)
    assert [column[0] for column in columns] == list(COLUMNS)


def test_a_database_table_is_replaced(tmp_path: Path) -> None:
    history = read_history(RECORDED / "sqlite-wal.strace.xz")
    path = tmp_path / "events.duckdb"
    for _ in range(2):
        write_duckdb(history.events, path)
    with duckdb.connect(str(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM events").fetchone()
        (path_of_wal,) = connection.execute(
            "SELECT DISTINCT path FROM events WHERE kind = 'Written' AND path LIKE '%-wal'"
        ).fetchone()
    assert count == len(history)
    assert path_of_wal == "/srv/ref/sq-wal.db-wal"


def test_without_the_extra_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_table, "find_spec", lambda _name: None)
    with pytest.raises(AnalysisMissing, match=r"iowitness\[analysis\]"):
        write_parquet([], tmp_path / "x.parquet")
