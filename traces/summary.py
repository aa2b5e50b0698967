"""What a trace did, in figures: calls, bytes and the sequential share of each file and thread.

Like `strace -c`, but about data. Pure, one pass, and bounded by the number of files and threads.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from iowitness.traces.events import (
    AnyEvent,
    Executed,
    File,
    Read,
    Received,
    Sent,
    Synced,
    ThreadNamed,
    Transferred,
    Written,
)
from iowitness.traces.phase_figures import Phases


@dataclass(slots=True)
class FileFigures:
    """One file: calls and bytes by way, syncs, and how many writes began where the last one ended.

    A write at an unknown offset is neither sequential nor not: `placed_writes` counts the known
    ones, without the first, which has none before it.
    """

    path: str
    reads: int = 0
    read_byte_count: int = 0
    writes: int = 0
    written_byte_count: int = 0
    transferred_byte_count: int = 0
    syncs: int = 0
    placed_writes: int = 0
    sequential_writes: int = 0
    _end: int | None = None

    @property
    def sequential_share(self) -> float | None:
        """The share of sequential writes; None where there is none to tell it by."""
        return self.sequential_writes / self.placed_writes if self.placed_writes else None

    def wrote(self, event: Written) -> None:
        """Count a write, and compare its place with the last one's end."""
        self.writes += 1
        self.written_byte_count += event.byte_count
        if not event.byte_count:
            return
        if event.offset is not None and self._end is not None:
            self.placed_writes += 1
            self.sequential_writes += event.offset == self._end
        self._end = None if event.offset is None else event.offset + event.byte_count


@dataclass(slots=True)
class ThreadFigures:
    """One thread: its name, calls that yielded events, bytes by way, and time within calls."""

    process_id: int
    thread_id: int
    name: str = ""
    calls: int = 0
    errors: int = 0
    read_byte_count: int = 0
    written_byte_count: int = 0
    received_byte_count: int = 0
    sent_byte_count: int = 0
    transferred_byte_count: int = 0
    in_calls_ns: int = 0


@dataclass(slots=True)
class Summary:
    """The figures of a history, by file, by thread and by phase."""

    files: dict[int, FileFigures] = field(default_factory=dict)
    threads: dict[tuple[int, int], ThreadFigures] = field(default_factory=dict)
    phases: Phases = field(default_factory=Phases)

    def add(self, event: AnyEvent) -> None:
        """Count one event."""
        self.phases.add(event)
        key = (event.process_id, event.thread_id)
        thread = self.threads.get(key)
        if thread is None:
            thread = self.threads[key] = ThreadFigures(*key)
        thread.calls += 1
        thread.in_calls_ns += event.end_ns - event.start_ns
        thread.errors += event.error is not None
        if isinstance(event, Read):
            figures = self._file(event.file)
            figures.reads += 1
            figures.read_byte_count += event.byte_count
            thread.read_byte_count += event.byte_count
        elif isinstance(event, Written):
            self._file(event.file).wrote(event)
            thread.written_byte_count += event.byte_count
        elif isinstance(event, Received):
            thread.received_byte_count += 0 if event.peeked else event.byte_count
        elif isinstance(event, Sent):
            thread.sent_byte_count += event.byte_count
        else:
            self._add_other(event, thread)

    def _add_other(self, event: AnyEvent, thread: ThreadFigures) -> None:
        if isinstance(event, Transferred):
            thread.transferred_byte_count += event.byte_count
            if isinstance(event.source, File):
                self._file(event.source).transferred_byte_count += event.byte_count
        elif isinstance(event, Synced) and event.file is not None:
            self._file(event.file).syncs += 1
        elif isinstance(event, ThreadNamed):
            thread.name = event.name
        elif isinstance(event, Executed):
            thread.name = event.path.rpartition("/")[2]

    def _file(self, file: File) -> FileFigures:
        found = self.files.get(file.file_id)
        if found is None:
            found = self.files[file.file_id] = FileFigures(file.path)
        return found


def summarized(events: Iterable[AnyEvent]) -> Summary:
    """The summary of all events."""
    summary = Summary()
    for event in events:
        summary.add(event)
    return summary
