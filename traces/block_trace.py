"""What reaches the block device under a folder, by a private instance of tracefs. Root only.

A private instance has buffers and events of its own: the machine's global trace is not touched. The
events have the clock of the calls (CLOCK_REALTIME), by the difference measured when tracing began.
"""

import os
import subprocess
import time
from pathlib import Path
from types import TracebackType

from iowitness.traces.block_lines import lost_count, read_block_line
from iowitness.traces.events import BlockIssued
from iowitness.traces.history import Gap, History, Provenance
from iowitness.traces.trace_error import TraceError

TRACEFS = Path("/sys/kernel/tracing")
_BUFFER_KB_PER_CPU = 8192


class BlockTraceUnavailable(Exception):
    """Block requests cannot be traced here; the message says what is missing and what to do."""


def why_unavailable(folder: Path) -> str:
    """What is missing for a block trace of this folder's device; empty where nothing is."""
    if os.geteuid() != 0:
        return f"uid={os.geteuid()}, expected root: tracefs is closed to others. Try sudo"
    if not TRACEFS.is_dir():
        return f"{TRACEFS}=missing, expected tracefs: the kernel has no CONFIG_TRACING"
    device = os.stat(folder).st_dev
    if os.major(device) == 0:
        return (
            f"device={os.major(device)}:{os.minor(device)} of {folder}, expected a block device: "
            "the file system is in memory, on the network, or numbers its own devices (btrfs)"
        )
    return ""


class BlockTrace:
    """The requests to one device while the context lasts; `history` has them once it is left.

    `mounted` says that tracefs was not mounted and had to be; it is unmounted again at the end.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = False
        self._instance = TRACEFS / "instances" / f"iowitness-{os.getpid()}-{id(self):x}"
        self._raw = b""
        self._offset_ns = 0

    def __enter__(self) -> "BlockTrace":
        """Raises BlockTraceUnavailable."""
        missing = why_unavailable(self.folder)
        if missing:
            raise BlockTraceUnavailable(missing)
        self._mount()
        try:
            self._instance.mkdir()
            self._set("trace_clock", "mono")
            self._set("buffer_size_kb", str(_BUFFER_KB_PER_CPU))
            device = os.stat(self.folder).st_dev
            number = (os.major(device) << 20) | os.minor(device)
            self._set("events/block/block_rq_issue/filter", f"dev == {number}")
            self._offset_ns = time.time_ns() - time.monotonic_ns()
            self._set("events/block/block_rq_issue/enable", "1")
        except OSError as error:
            self._remove()
            raise BlockTraceUnavailable(f"{error.filename}: {error.strerror}") from error
        return self

    def _mount(self) -> None:
        if (TRACEFS / "instances").is_dir():
            return
        tried = subprocess.run(
            ["mount", "-t", "tracefs", "nodev", str(TRACEFS)],
            capture_output=True,
            text=True,
            check=False,
        )
        if tried.returncode:
            raise BlockTraceUnavailable(f"mount of tracefs: {tried.stderr.strip()}")
        self.mounted = True

    def _set(self, name: str, value: str) -> None:
        (self._instance / name).write_text(value)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._set("events/block/block_rq_issue/enable", "0")
            self._raw = (self._instance / "trace").read_bytes()
        finally:
            self._remove()

    def _remove(self) -> None:
        """Take the instance away, and the mount if it is ours."""
        if self._instance.is_dir():
            self._instance.rmdir()
        if self.mounted:
            subprocess.run(["umount", str(TRACEFS)], capture_output=True, check=False)
            self.mounted = False

    def history(self) -> History:
        """The requests, in order; a gap where the kernel's buffer ran over."""
        events: list[BlockIssued] = []
        gaps: list[Gap] = []
        for number, line in enumerate(self._raw.splitlines(), start=1):
            lost = lost_count(line)
            if lost:
                gaps.append(Gap(reason=f"the kernel dropped {lost} block events", line=number))
                continue
            try:
                event = read_block_line(line, self._offset_ns)
            except TraceError as error:
                raise error.at(str(self._instance / "trace"), number) from None
            if event is not None:
                events.append(event)
        return History(
            events=tuple(events),
            visible_kinds=frozenset({"BlockIssued"}),
            provenance=Provenance(
                source="block-trace",
                tool="tracefs block:block_rq_issue",
                clock_resolution_ns=1000,
                gaps=tuple(gaps),
            ),
        )


def merged(calls: History, blocks: History) -> History:
    """Calls and block requests as one history, by their ends."""
    both = sorted((*calls.events, *blocks.events), key=lambda event: event.end_ns)
    known = calls.provenance
    return History(
        events=tuple(both),
        visible_kinds=calls.visible_kinds | blocks.visible_kinds,
        data_is_visible=calls.data_is_visible,
        provenance=Provenance(
            source=known.source,
            program=known.program,
            tool=f"{known.tool}; {blocks.provenance.tool}",
            raw_files=known.raw_files,
            clock_resolution_ns=max(
                known.clock_resolution_ns, blocks.provenance.clock_resolution_ns
            ),
            line_counts=known.line_counts,
            call_counts=known.call_counts,
            gaps=known.gaps + blocks.provenance.gaps,
            notes=known.notes,
        ),
    )
