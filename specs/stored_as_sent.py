"""The claim stored-as-sent: the bytes received, the bytes stored and the bytes sent are the same.

Each batch that is written to a file must have come in on a connection, byte for byte but for the
fields that the leader stamps, and in order; what leaves the file must have been stored before.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator

from iowitness.specs.batch_walk import BatchWalk, StoredBatch
from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.received_streams import Reception, pattern
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles, OfSockets
from iowitness.specs.stored_extents import StoredExtents
from iowitness.specs.verdict import Figure, Verdict
from iowitness.traces.events import (
    AnyEvent,
    IOEvent,
    Mapped,
    Opened,
    Read,
    Received,
    Resized,
    Sent,
    Transferred,
    Unverifiable,
    Written,
)

_SEES = (Opened, Received, Written, Transferred, Read, Sent, Resized, Mapped, Unverifiable)
_HEAD_BYTE_COUNT = 61
_SEARCH_LIMIT = 64
"""Batches that were searched in vain before the search stops: each costs a look at everything."""

_HINT_KEEP = "keep whole buffers: content_byte_count in the suite, or strace -s"


def _rising(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    for start, end in ranges:
        if not 0 <= start < end:
            raise ValueError(f"range [{start}, {end}], expected [start, end) with 0 <= start < end")
    return ranges


Ranges: TypeAlias = Annotated[tuple[tuple[int, int], ...], AfterValidator(_rising)]


class StoredAsSent(ActorClaim, OfFiles, OfSockets):
    """Selected processes store what they received and send what they stored.

    `leader_stamped` are the byte ranges of each batch that the receiver may set: by default base
    offset and leader epoch. Needs whole buffers; without them it is UNKNOWN.
    """

    claim: Literal["stored-as-sent"] = "stored-as-sent"
    leader_stamped: Ranges = ((0, 8), (12, 16))

    @property
    def needs(self) -> frozenset[str]:
        """Every way into and out of a file, and what came in on sockets."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _StoredFile:
    """One file: its batches as they come, and what of it is stored.

    `prior_is_known` says that the source told how much was there when it was opened.
    """

    __slots__ = ("extents", "prior_is_known", "walk")

    def __init__(self) -> None:
        self.walk = BatchWalk()
        self.extents = StoredExtents()
        self.prior_is_known = False


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: StoredAsSent, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._stamped = claim.leader_stamped
        self._file_selector = claim.file_selector(scene)
        self._sockets = claim.socket_selector()
        self._reception = Reception()
        self._files: dict[int, _StoredFile] = {}
        self._carried: dict[int, _Carried] = {}
        self._batch_count = 0
        self._miss_count = 0
        self._unsearched_count = 0
        self._stored_byte_count = 0
        self._sent_byte_count = 0

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Received):
            if event.byte_count and self._sockets.fit(event.channel) and self.actors.fit(event):
                self._reception.feed(
                    getattr(event.channel, "socket_id", 0), event.byte_count, event.data
                )
        elif isinstance(event, Sent):
            self._see_send(event)
        elif isinstance(event, Unverifiable):
            if self.concerns(event.process_id):
                self.findings.doubted(f"{event.call} can move bytes: {event.reason}", event)
        elif event.error is not None:
            return
        elif isinstance(event, Transferred):
            if self._file_selector.fit(event.source):
                self._see_transfer(event)
        elif isinstance(
            event, Opened | Written | Read | Resized | Mapped
        ) and self._file_selector.fit(event.file):
            self._see_file(event, self._files.setdefault(event.file.file_id, _StoredFile()))

    def _see_file(
        self, event: Opened | Written | Read | Resized | Mapped, file: _StoredFile
    ) -> None:
        if isinstance(event, Written):
            self._see_write(event, file)
        elif isinstance(event, Read):
            if event.byte_count > _HEAD_BYTE_COUNT and self.actors.fit(event):
                self._carried[event.thread_id] = _Carried(event)
        elif isinstance(event, Opened):
            if event.size_byte_count is not None:
                file.extents.add(0, event.size_byte_count)
                file.prior_is_known = True
            if event.truncated:
                file.extents.cut(0)
                file.prior_is_known = True
        elif isinstance(event, Resized):
            file.extents.cut(event.size_byte_count)
        elif event.shared and event.writable:
            self.findings.doubted("a shared writable mapping: bytes may be stored unseen", event)

    def _see_write(self, event: Written, file: _StoredFile) -> None:
        if not event.byte_count or not self.actors.fit(event):
            return
        self.findings.event_count += 1
        self._stored_byte_count += event.byte_count
        if event.offset is None:
            self.findings.doubted(f"{event.call} at an unknown offset", event)
            return
        file.extents.add(event.offset, event.offset + event.byte_count)
        if not self.scene.data_is_visible:
            return
        for batch in file.walk.feed(event.offset, event.byte_count, event.data):
            self._judge(batch, event)

    def _judge(self, batch: StoredBatch, event: Written) -> None:
        size = "" if batch.byte_count is None else f" of {batch.byte_count} B"
        told = f"batch{size} at {batch.offset}"
        if batch.state == "unfinished":
            self._doubt_rest(batch, event)
        elif batch.state == "foreign":
            self.findings.violated(f"no record batch at {batch.offset}, expected one", event)
        elif not batch.is_known:
            self.findings.doubted(
                f"{told}: only its first {len(batch.known)} B were kept", event, hint=_HINT_KEEP
            )
        elif self._miss_count >= _SEARCH_LIMIT:
            self._unsearched_count += 1
        elif self._reception.take(event.file.file_id, pattern(batch.known, self._stamped)):
            self._batch_count += 1
        elif self._reception.is_broken:
            self.findings.doubted(
                f"{told}: not every received byte was kept", event, hint=_HINT_KEEP
            )
        else:
            self._miss_count += 1
            self.findings.violated(
                f"{told} was stored, expected the bytes of a batch that had been received",
                event,
                hint="the broker recompresses where its compression.type is not the producer's",
            )

    def _see_transfer(self, event: Transferred) -> None:
        if not event.byte_count or not self.actors.fit(event):
            return
        self.findings.event_count += 1
        self._sent_byte_count += event.byte_count
        file = self._files.setdefault(getattr(event.source, "file_id", 0), _StoredFile())
        if event.offset is None:
            self.findings.doubted(f"{event.call} from an unknown offset", event)
            return
        end = event.offset + event.byte_count
        if file.extents.hold(event.offset, end):
            return
        message = f"{event.byte_count} B sent from {event.offset}"
        if file.prior_is_known:
            self.findings.violated(f"{message}, expected only what had been stored", event)
        else:
            self.findings.doubted(f"{message}: what was in the file before is unknown", event)

    def _see_send(self, event: Sent) -> None:
        carried = self._carried.get(event.thread_id)
        if carried is None or not event.byte_count or not self._sockets.fit(event.channel):
            return
        outcome = carried.sent(event)
        if outcome is None:
            return
        del self._carried[event.thread_id]
        if outcome:
            self.findings.event_count += 1
            self._sent_byte_count += carried.read.byte_count
        else:
            self.findings.doubted(
                f"{carried.read.byte_count} B read at {carried.read.offset} passed a buffer and "
                "were not seen to leave unchanged",
                carried.read,
                event,
            )

    def _doubt_rest(self, batch: StoredBatch, *events: Written) -> None:
        self.findings.doubted(f"the batch at {batch.offset} was begun and not finished", *events)

    def conclude(self) -> Verdict:
        for file in self._files.values():
            for batch in file.walk.rest():
                self._doubt_rest(batch)
        if self.findings.event_count and not self.scene.data_is_visible:
            self.findings.doubted(
                "the source kept no bytes, so none could be compared", hint=_HINT_KEEP
            )
        batches = counted(self._batch_count, "batch")
        return self.verdict(
            f"{batches} stored as received, {self._sent_byte_count:,} B sent as stored",
            Figure(name="batches stored as received", value=self._batch_count),
            Figure(name="batches not as received", value=self._miss_count, expected="0"),
            Figure(name="batches not looked for any more", value=self._unsearched_count),
            Figure(name="bytes stored", value=self._stored_byte_count, unit="B"),
            Figure(name="bytes sent", value=self._sent_byte_count, unit="B"),
        )


class _Carried:
    """Payload in a buffer of one thread, on its way from a file to a socket."""

    __slots__ = ("_left", "read")

    def __init__(self, read: Read) -> None:
        self.read = read
        self._left = bytearray()

    def sent(self, event: Sent) -> bool | None:
        """True once the payload left unchanged, False once it cannot any more, None until then."""
        payload = self.read.data
        if payload is None or len(payload) < self.read.byte_count:
            return False
        if event.data is None or len(event.data) < event.byte_count:
            return False
        self._left += event.data
        if payload in self._left:
            return True
        return False if len(self._left) > 2 * len(payload) + (64 << 10) else None
