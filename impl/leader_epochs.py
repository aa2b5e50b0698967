"""Which leader epoch started at which offset. Pure; kept in `leader-epoch-checkpoint`.

Source: KIP-101; Kafka's LeaderEpochFileCache.
"""

from collections.abc import Iterable

from msgspec import Struct


class EpochStart(Struct, frozen=True, gc=False):
    """The first offset that a leader epoch wrote, or would have written."""

    epoch: int
    start_offset: int


class LeaderEpochs:
    """Epochs with rising starts; `latest` is the newest one, -1 if there is none."""

    __slots__ = ("_starts", "latest")

    def __init__(self, starts: Iterable[EpochStart] = ()) -> None:
        self._starts: list[EpochStart] = []
        self.latest = -1
        for start in starts:
            self.assign(start.epoch, start.start_offset)

    @property
    def starts(self) -> tuple[EpochStart, ...]:
        """All of them, oldest first."""
        return tuple(self._starts)

    def _keep(self, starts: list[EpochStart]) -> None:
        self._starts = starts
        self.latest = starts[-1].epoch if starts else -1

    def assign(self, epoch: int, start_offset: int) -> bool:
        """Notes that an epoch starts at an offset; False if that says nothing new.

        Entries that contradict it, of a later epoch or a later start, go.
        """
        if epoch < 0 or epoch == self.latest:
            return False
        kept = [s for s in self._starts if s.epoch < epoch and s.start_offset < start_offset]
        self._keep([*kept, EpochStart(epoch, start_offset)])
        return True

    def end_offset_of(self, epoch: int, log_end_offset: int) -> EpochStart | None:
        """The greatest known epoch at or below one, and the offset after its last record.

        None for an epoch that is older than all known ones, or newer.
        """
        if epoch == self.latest:
            return EpochStart(epoch, log_end_offset)
        known = [start for start in self._starts if start.epoch <= epoch]
        later = [start for start in self._starts if start.epoch > epoch]
        if not known or not later:
            return None
        return EpochStart(known[-1].epoch, later[0].start_offset)

    def truncate_from_end(self, end_offset: int) -> bool:
        """Drops epochs that start at or after an offset; False if there were none."""
        kept = [start for start in self._starts if start.start_offset < end_offset]
        changed = len(kept) < len(self._starts)
        self._keep(kept)
        return changed

    def truncate_from_start(self, start_offset: int) -> bool:
        """Moves the start of the epoch that holds an offset up to it; older epochs go."""
        older = [start for start in self._starts if start.start_offset <= start_offset]
        if not older or older == [EpochStart(older[-1].epoch, start_offset)]:
            return False
        newer = self._starts[len(older) :]
        self._keep([EpochStart(older[-1].epoch, start_offset), *newer])
        return True
