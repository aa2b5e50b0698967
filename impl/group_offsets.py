"""Committed offsets as the coordinator keeps them: in memory, and in the journal first."""

from collections.abc import Callable, Iterable, Mapping

from iowitness.impl.committed_offsets import CommittedOffsets
from iowitness.impl.group_journal import GroupJournal, SavedRecord
from iowitness.impl.group_records import OffsetKey, OffsetValue
from iowitness.impl.wire_errors import ErrorCode


class GroupOffsets:
    """What is in `committed` is in the journal too: whatever could not be written is not noted."""

    def __init__(self, journal: GroupJournal, wall_ms: Callable[[], int]) -> None:
        self.committed = CommittedOffsets()
        self._journal = journal
        self._wall_ms = wall_ms

    def commit(self, group: str, values: Mapping[OffsetKey, OffsetValue]) -> ErrorCode:
        """Save offsets of one group, all of them or none."""
        return self._write(group, list(values.items()))

    def forget(self, keys: Iterable[OffsetKey]) -> ErrorCode:
        """Remove offsets, of one group or several; the last error, if there was one."""
        by_group: dict[str, list[SavedRecord]] = {}
        for key in keys:
            by_group.setdefault(key.group, []).append((key, None))
        result = ErrorCode.NONE
        for group, removals in by_group.items():
            error = self._write(group, removals)
            result = result if error is ErrorCode.NONE else error
        return result

    def forget_group(self, group: str) -> ErrorCode:
        """Remove all offsets of one group."""
        return self.forget([key for key, _ in self.committed.items_of(group)])

    def expire(self, group: str, before_ms: int, empty_since_ms: int | None) -> None:
        """Remove what is too old of a group without members."""
        self.forget(self.committed.expired(group, before_ms, empty_since_ms))

    def _write(self, group: str, saved: list[SavedRecord]) -> ErrorCode:
        error = self._journal.write(group, saved, now_ms=self._wall_ms())
        if error is ErrorCode.NONE:
            for key, value in saved:
                assert isinstance(key, OffsetKey)
                assert value is None or isinstance(value, OffsetValue)
                self.committed.put(key, value)
        return error
