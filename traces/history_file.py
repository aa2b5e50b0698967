"""A history as JSON lines, versioned: the first line is the head, each further one an event.

The name's ending says whether it is compressed: `.gz`, `.zst`, or not at all. What is written is
read back equal, except that bytes are base64 and sets are sorted on the way, and names that are no
UTF-8 are escaped (`json_lines`). docs/formats/
history-file.md has the format.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from msgspec import DecodeError, Struct

from iowitness.traces.events import AnyEvent
from iowitness.traces.history import History, Provenance
from iowitness.traces.json_lines import JsonDecoder, decoded, encoded, encoded_lines
from iowitness.traces.raw_input import file_lines
from iowitness.traces.raw_output import compressing
from iowitness.traces.trace_error import TraceError, quoted

FORMAT = "iowitness-history"
VERSION = 1
_LINES_AT_ONCE = 4096


class HistoryHead(Struct, frozen=True, kw_only=True):
    """The first line: all of a history but its events.

    `event_count` shows that the file is whole.
    """

    format: str = FORMAT
    version: int = VERSION
    event_count: int
    visible_kinds: tuple[str, ...]
    data_is_visible: bool
    provenance: Provenance


class _Version(Struct, frozen=True):
    format: str = ""
    version: int = 0


def write_history(history: History, path: Path) -> None:
    """Write a history; a file that is there already is replaced."""
    head = HistoryHead(
        event_count=len(history.events),
        visible_kinds=tuple(sorted(history.visible_kinds)),
        data_is_visible=history.data_is_visible,
        provenance=history.provenance,
    )
    with compressing(path) as file:
        file.write(encoded(head) + b"\n")
        for chunk in _chunks(history.events):
            file.write(encoded_lines(chunk))


def _chunks(events: tuple[AnyEvent, ...]) -> Iterator[tuple[AnyEvent, ...]]:
    for start in range(0, len(events), _LINES_AT_ONCE):
        yield events[start : start + _LINES_AT_ONCE]


def read_history_file(path: Path) -> History:
    """Read a history back.

    Raises `TraceError` with file and line where it is damaged, cut off, or of another version.
    """
    lines = file_lines(str(path))
    head = _head(next(lines, b""), path)
    decoder = JsonDecoder(AnyEvent)
    events: list[AnyEvent] = []
    for number, line in enumerate(lines, start=2):
        try:
            events.append(cast("AnyEvent", decoder.decode(line)))
        except (DecodeError, UnicodeDecodeError) as error:
            raise TraceError(
                f"line={quoted(line)}, expected an event ({error})", file=str(path), line=number
            ) from error
    if len(events) != head.event_count:
        raise TraceError(
            f"events={len(events)}, expected {head.event_count}: the file is cut off",
            file=str(path),
            line=len(events) + 2,
        )
    return History(
        events=tuple(events),
        visible_kinds=frozenset(head.visible_kinds),
        data_is_visible=head.data_is_visible,
        provenance=head.provenance,
    )


def _head(line: bytes, path: Path) -> HistoryHead:
    """The first line, whose format and version are looked at before anything else."""
    try:
        version = decoded(line, _Version)
    except (DecodeError, UnicodeDecodeError) as error:
        raise TraceError(
            f"line={quoted(line)}, expected the head of a history file ({error})",
            file=str(path),
            line=1,
        ) from error
    if (version.format, version.version) != (FORMAT, VERSION):
        raise TraceError(
            f"format={version.format!r} version={version.version}, expected format={FORMAT!r} "
            f"version={VERSION}",
            file=str(path),
            line=1,
        )
    try:
        return decoded(line, HistoryHead)
    except DecodeError as error:
        raise TraceError(
            f"line={quoted(line)}, expected the head of a history file ({error})",
            file=str(path),
            line=1,
        ) from error


def looks_like_history(first_line: bytes) -> bool:
    """Whether a file with this first line is a history file and no raw trace."""
    return first_line.startswith(b'{"format":"' + FORMAT.encode())


def history_lines(events: Iterable[AnyEvent]) -> bytes:
    """Events as JSON lines, for the terminal and for other programs."""
    return encoded_lines(events)
