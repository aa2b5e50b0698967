"""A history as a table: Parquet, or a table in a DuckDB database. Needs the extra `analysis`.

One row an event, the fields of all kinds as columns, empty where a kind has none; files and
channels by path and address. Buffers' contents are left out: the history file has them.
"""

import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from msgspec import json

from iowitness.traces.events import AnyEvent, BlockIssued, File, Transferred
from iowitness.traces.perfetto import endpoint_text

COLUMNS = {
    "number": "BIGINT",
    "kind": "VARCHAR",
    "start_ns": "BIGINT",
    "end_ns": "BIGINT",
    "process_id": "BIGINT",
    "thread_id": "BIGINT",
    "call": "VARCHAR",
    "line": "BIGINT",
    "resumed_line": "BIGINT",
    "error": "VARCHAR",
    "file_id": "BIGINT",
    "path": "VARCHAR",
    "channel": "VARCHAR",
    "destination": "VARCHAR",
    "descriptor": "BIGINT",
    "offset": "BIGINT",
    "destination_offset": "BIGINT",
    "byte_count": "BIGINT",
    "requested_byte_count": "BIGINT",
    "size_byte_count": "BIGINT",
    "scope": "VARCHAR",
    "append": "BOOLEAN",
    "writable": "BOOLEAN",
    "shared": "BOOLEAN",
    "name": "VARCHAR",
    "sector": "BIGINT",
    "sector_count": "BIGINT",
    "operation": "VARCHAR",
}
"""The columns of the table and their types; `number` counts the events from 0."""

_PLAIN = tuple(set(COLUMNS) - {"number", "kind", "file_id", "path", "channel", "destination"})


class AnalysisMissing(Exception):
    """The extra `analysis` is not installed."""

    def __init__(self) -> None:
        super().__init__("duckdb=missing, expected it: pip install 'iowitness[analysis]'")


def row(number: int, event: AnyEvent) -> dict[str, object]:
    """One event as a row."""
    found: dict[str, object] = {"number": number, "kind": type(event).__name__}
    for field in _PLAIN:
        value = getattr(event, field, None)
        if value is not None:
            found[field] = value
    for field in ("file", "source", "endpoint", "channel", "socket", "pipe"):
        value = getattr(event, field, None)
        if isinstance(value, File):
            found["file_id"], found["path"] = value.file_id, value.path
        elif value is not None:
            found["channel"] = endpoint_text(value)
    if isinstance(event, Transferred):
        found["destination"] = endpoint_text(event.destination)
    elif isinstance(event, BlockIssued):
        found["channel"] = event.device
    return found


def write_parquet(events: Iterable[AnyEvent], path: Path) -> None:
    """Write the events as one Parquet file, zstd-compressed. Raises AnalysisMissing."""
    target = str(path).replace("'", "''")
    _with_rows(events, None, f"COPY ({{rows}}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def write_duckdb(events: Iterable[AnyEvent], path: Path, table: str = "events") -> None:
    """Write the events as a table of a DuckDB database; one that is there is replaced."""
    name = '"' + table.replace('"', '""') + '"'
    _with_rows(events, path, f"CREATE OR REPLACE TABLE {name} AS {{rows}}")


def _with_rows(events: Iterable[AnyEvent], database: Path | None, statement: str) -> None:
    """Run a statement whose `{rows}` stands for the events.

    The rows take the way through a file of JSON lines, which DuckDB reads with all cores and in
    bounded memory; row-wise inserts take a hundred times as long.
    """
    if find_spec("duckdb") is None:
        raise AnalysisMissing
    import duckdb  # an extra, and a tenth of a second

    encoder = json.Encoder()
    with tempfile.TemporaryDirectory(prefix="iowitness-") as folder:
        lines = Path(folder) / "events.ndjson"
        with lines.open("wb") as file:
            for number, event in enumerate(events):
                file.write(encoder.encode(row(number, event)) + b"\n")
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
        source = str(lines).replace("'", "''")
        rows = (
            f"SELECT * FROM read_json('{source}', "  # noqa: S608  # a path and names of our own
            f"format='newline_delimited', columns={{{columns}}}) ORDER BY number"
        )
        with duckdb.connect(str(database) if database is not None else ":memory:") as connection:
            connection.execute(statement.format(rows=rows))
