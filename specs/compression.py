"""The claim compression: stored batches say in their heads that they use the expected codec."""

from typing import Literal

from iowitness.specs.batch_walk import BatchWalk, StoredBatch
from iowitness.specs.claim import ActorClaim, Fold, counted, kinds
from iowitness.specs.scene import Scene
from iowitness.specs.selection import OfFiles
from iowitness.specs.verdict import Figure, Verdict
from iowitness.specs.workload import Codec
from iowitness.traces.events import AnyEvent, IOEvent, Mapped, Unverifiable, Written

_SEES = (Written, Mapped, Unverifiable)
_CODECS: tuple[Codec, ...] = ("none", "gzip", "snappy", "lz4", "zstd")
_ATTRIBUTES_END = 23
_CODEC_BITS = 0x07
_CONTROL_BIT = 0x20


class Compression(ActorClaim, OfFiles):
    """Every batch written to a selected file has the codec `codec` in its attributes.

    Control batches (transaction markers) are left out. Only heads are looked at, so 23 bytes of
    each write are enough where a write holds one batch.
    """

    claim: Literal["compression"] = "compression"
    codec: Codec

    @property
    def needs(self) -> frozenset[str]:
        """Every way by which a batch gets into a file."""
        return kinds(*_SEES)

    def watch(self, scene: Scene) -> "_Watch":
        """A new fold."""
        return _Watch(self, scene)


class _Watch(Fold):
    sees: tuple[type[IOEvent], ...] = _SEES

    def __init__(self, claim: Compression, scene: Scene) -> None:
        super().__init__(claim, scene)
        self._codec = claim.codec
        self._files = claim.file_selector(scene)
        self._walks: dict[int, BatchWalk] = {}
        self._byte_count = 0
        self._batch_count = 0

    def see(self, event: AnyEvent) -> None:
        if isinstance(event, Written):
            if event.error is None and event.byte_count and self._files.fit(event.file):
                self._see_write(event)
        elif isinstance(event, Mapped):
            if event.shared and event.writable and self._files.fit(event.file):
                self.findings.doubted("a shared writable mapping: batches may come unseen", event)
        elif isinstance(event, Unverifiable) and (
            event.endpoint is None or self._files.fit(event.endpoint)
        ):
            self.findings.doubted(f"{event.call} can write unseen: {event.reason}", event)

    def _see_write(self, event: Written) -> None:
        if not self.actors.fit(event):
            return
        self.findings.event_count += 1
        self._byte_count += event.byte_count
        if event.offset is None:
            self.findings.doubted(f"{event.call} at an unknown offset", event)
            return
        walk = self._walks.setdefault(event.file.file_id, BatchWalk())
        for batch in walk.feed(event.offset, event.byte_count, event.data):
            self._judge(batch, event)

    def _judge(self, batch: StoredBatch, event: Written) -> None:
        if batch.state == "unfinished":
            self._doubt_rest(batch, event)
            return
        if batch.state == "foreign":
            self.findings.violated(
                f"no record batch at {batch.offset}, expected one with codec {self._codec}", event
            )
            return
        if len(batch.known) < _ATTRIBUTES_END:
            self.findings.doubted(
                f"the head of the batch at {batch.offset} was not kept",
                event,
                hint="keep more of each buffer: strace -s 65536",
            )
            return
        attributes = batch.known[_ATTRIBUTES_END - 1]
        if attributes & _CONTROL_BIT:
            return
        self._batch_count += 1
        number = attributes & _CODEC_BITS
        codec = _CODECS[number] if number < len(_CODECS) else f"number {number}"
        if codec != self._codec:
            self.findings.violated(
                f"batch of {batch.byte_count} B at {batch.offset} has codec {codec}, "
                f"expected {self._codec}",
                event,
            )

    def _doubt_rest(self, batch: StoredBatch, *events: Written) -> None:
        self.findings.doubted(f"the batch at {batch.offset} was begun and not finished", *events)

    def conclude(self) -> Verdict:
        for walk in self._walks.values():
            for batch in walk.rest():
                self._doubt_rest(batch)
        mean = self._byte_count / self._batch_count if self._batch_count else 0.0
        return self.verdict(
            f"{counted(self._batch_count, 'batch')}, all {self._codec}".replace(
                "batchs", "batches"
            ),
            Figure(name="batches", value=self._batch_count),
            Figure(name="bytes per batch", value=mean, unit="B/batch"),
            Figure(
                name="batches with another codec",
                value=self.findings.violation_count,
                expected="0",
            ),
        )
