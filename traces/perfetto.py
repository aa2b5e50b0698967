"""A history as a Chrome trace, gzip: for ui.perfetto.dev, chrome://tracing and the like.

One track for each thread, by its name; each call a slice with file, offset and bytes. Times are
relative to the first event, in microseconds with decimals, as the format has them.
Source: "Trace Event Format", the JSON array form with `X` and `M` events.
"""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

from iowitness.traces.events import (
    AnyEvent,
    BlockIssued,
    Endpoint,
    Executed,
    File,
    Marked,
    Pipe,
    Socket,
    ThreadNamed,
    Transferred,
)
from iowitness.traces.history import History
from iowitness.traces.json_lines import encoded

_BYTE_FIELDS = ("offset", "destination_offset", "byte_count", "requested_byte_count", "descriptor")
_WORD_FIELDS = ("scope", "access", "path", "old_path", "new_path", "reason", "size_byte_count")
_BLOCK_PROCESS_ID = 0
"""Block requests belong to no process: they get a track of their own."""


def write_perfetto(history: History, path: Path) -> None:
    """Write the Chrome trace of a history, gzip; the same history gives the same bytes."""
    with (
        path.open("wb") as packed,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=packed, mtime=0) as file,
    ):
        file.write(b'{"displayTimeUnit":"ns","traceEvents":[')
        separator = b"\n"
        for row in chrome_rows(history.events):
            file.write(separator + encoded(row))
            separator = b",\n"
        file.write(b"\n]}\n")


def chrome_rows(events: Iterable[AnyEvent]) -> Iterator[dict[str, object]]:
    """The rows of the trace: names of threads and processes, slices, and marks as instants."""
    origin_ns: int | None = None
    for event in events:
        if origin_ns is None:
            origin_ns = event.start_ns
        if isinstance(event, ThreadNamed):
            yield _metadata("thread_name", event, event.name)
        elif isinstance(event, Executed):
            yield _metadata("process_name", event, event.path.rpartition("/")[2])
        elif isinstance(event, BlockIssued):
            yield _metadata("process_name", event, "block devices")
        yield _instant(event, origin_ns) if isinstance(event, Marked) else _slice(event, origin_ns)


def _metadata(kind: str, event: AnyEvent, name: str) -> dict[str, object]:
    return {
        "ph": "M",
        "name": kind,
        "pid": _process_id(event),
        "tid": event.thread_id,
        "args": {"name": name},
    }


def _process_id(event: AnyEvent) -> int:
    return _BLOCK_PROCESS_ID if isinstance(event, BlockIssued) else event.process_id


def _instant(event: Marked, origin_ns: int) -> dict[str, object]:
    return {
        "ph": "i",
        "s": "g",
        "name": f"{event.verb} {event.name}",
        "ts": (event.start_ns - origin_ns) / 1000,
        "pid": event.process_id,
        "tid": event.thread_id,
    }


def _slice(event: AnyEvent, origin_ns: int) -> dict[str, object]:
    return {
        "ph": "X",
        "name": event.call,
        "cat": type(event).__name__,
        "ts": (event.start_ns - origin_ns) / 1000,
        "dur": (event.end_ns - event.start_ns) / 1000,
        "pid": _process_id(event),
        "tid": event.thread_id,
        "args": _arguments(event),
    }


def _arguments(event: AnyEvent) -> dict[str, object]:
    """What one sees when a slice is clicked."""
    shown: dict[str, object] = {}
    if isinstance(event, Transferred):
        shown["source"] = endpoint_text(event.source)
        shown["destination"] = endpoint_text(event.destination)
    for field in ("file", "channel", "socket", "endpoint", "listener"):
        endpoint = getattr(event, field, None)
        if endpoint is not None:
            shown[field] = endpoint_text(endpoint)
    for field in (*_BYTE_FIELDS, *_WORD_FIELDS):
        value = getattr(event, field, None)
        if value is not None:
            shown[field] = value
    if event.error is not None:
        shown["error"] = event.error
    if event.line:
        shown["line"] = event.line
    return shown


def endpoint_text(endpoint: Endpoint) -> str:
    """A file, socket or pipe in a few words."""
    if isinstance(endpoint, File):
        return endpoint.path
    if isinstance(endpoint, Socket):
        return f"{endpoint.family} {endpoint.local} -> {endpoint.remote}"
    assert isinstance(endpoint, Pipe)  # the union has no more
    return f"pipe {endpoint.pipe_id}"
