"""The claim zero-copy-reads: payload leaves files inside the kernel, through no user buffer."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    AnyEvent,
    File,
    IOEvent,
    Mapped,
    Read,
    Sent,
    Transferred,
    Unverifiable,
)

_SEES = (Read, Transferred, Mapped, Unverifiable)

_HINT = (
    "TLS, compression on the way out or a format conversion keep sendfile from being used; "
    "head_bytes is what a read may take to find its way"
)
_TLS_HINT = "TLS is on: sendfile cannot be used, unless the kernel itself encrypts (kTLS)"

_TLS_RECORD_TYPES = range(20, 25)
"""Of the first byte of each record; then come 3 and 1 to 4. Source: RFC 8446, section 5.1."""


class ZeroCopyReads(ActorClaim, OfFiles):
    """No selected process reads payload of a selected file into a buffer or maps the file.

    A run of adjoining reads by one thread may take `head_bytes` to find its way (Kafka reads 17
    bytes of a batch, 61 when it needs its whole head); all above counts as payload. A mapping of
    a selected file makes it UNKNOWN: bytes may then cross user space without any call.
    """

    claim: Literal["zero-copy-reads"] = "zero-copy-reads"
    head_bytes: int = Field(default=61, ge=0)

    @property
    def needs(self) -> frozenset[str]:
        """Every way by which a file's bytes can leave it."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


@dataclass(slots=True)
class _Run:
    """Adjoining reads of one file by one thread: where they end, and what they took so far."""

    end: int | None = None
    byte_count: int = 0


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = (*_SEES, Sent)

    def __init__(self, claim: ZeroCopyReads, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._head_bytes = claim.head_bytes
        self._files = claim.file_selector(scene)
        self._runs: dict[tuple[int, int], _Run] = {}
        self._transferred_byte_count = 0
        self._transfer_count = 0
        self._read_byte_count = 0
        self._payload_byte_count = 0
        self._tls_is_on = False

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Read):
            if event.byte_count and self._files.fit(event.file) and self.actors.fit(event):
                self._see_read(event)
        elif isinstance(event, Transferred):
            # A transfer into another file is a copy too, but what it is not is a read.
            if event.byte_count and self._files.fit(event.source) and self.actors.fit(event):
                self.findings.event_count += 1
                self._transfer_count += 1
                self._transferred_byte_count += event.byte_count
        elif isinstance(event, Sent):
            if not self._tls_is_on and _is_tls(event.data) and self.actors.fit(event):
                self._tls_is_on = True
        elif isinstance(event, Mapped):
            if event.error is None and self._files.fit(event.file) and self.actors.fit(event):
                self._see_mapping(event)
        elif isinstance(event, Unverifiable) and self.concerns(event.process_id):
            if isinstance(event.endpoint, File) and not self._files.fit(event.endpoint):
                return
            self.findings.doubted(f"{event.call} can read unseen: {event.reason}", event)

    def _see_mapping(self, event: Mapped) -> None:
        self.findings.event_count += 1
        self.findings.doubted(
            f"{event.byte_count} B mapped by {self.scene.told(event)}: "
            "what is read through a mapping makes no call",
            event,
            hint="a program that maps its files cannot be shown to be zero-copy from its calls",
        )

    def _see_read(self, event: Read) -> None:
        self._read_byte_count += event.byte_count
        run = self._runs.setdefault((event.thread_id, event.file.file_id), _Run())
        if event.offset is None or event.offset != run.end:
            run.byte_count = 0
        before = max(run.byte_count - self._head_bytes, 0)
        run.byte_count += event.byte_count
        run.end = None if event.offset is None else event.offset + event.byte_count
        payload = max(run.byte_count - self._head_bytes, 0)
        if payload > before:
            self._payload_byte_count += payload - before
            if before == 0:
                self._violate(event)

    def _violate(self, event: Read) -> None:
        self.findings.event_count += 1
        where = "unknown offset" if event.offset is None else f"{event.offset}"
        self.findings.violated(
            f"{event.call} of {event.byte_count} B at {where} into a buffer of "
            f"{self.scene.told(event)}, expected at most {self._head_bytes} B",
            event,
        )

    def conclude(self) -> Verdict:
        return self.verdict(
            f"{self._transferred_byte_count:,} B in {counted(self._transfer_count, 'transfer')}, "
            "no payload through user buffers",
            Figure(name="bytes by sendfile", value=self._transferred_byte_count, unit="B"),
            Figure(name="bytes by user buffers", value=self._read_byte_count, unit="B"),
            Figure(
                name="bytes above the allowance",
                value=self._payload_byte_count,
                unit="B",
                expected="0",
            ),
            hint=_TLS_HINT if self._tls_is_on else _HINT,
        )


def _is_tls(sent: bytes | None) -> bool:
    """Whether the bytes begin with the head of a TLS record."""
    if sent is None or len(sent) < 3:
        return False
    return sent[0] in _TLS_RECORD_TYPES and sent[1] == 3 and sent[2] <= 4
