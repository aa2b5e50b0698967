"""What was received: the bytes of each connection in order, to be searched for what was stored."""

from collections.abc import Sequence

from msgspec import Struct

WINDOW_BYTE_COUNT = 64 << 20
"""How much of each connection is kept: far above what a broker takes in before it stores."""


class Pattern(Struct, frozen=True):
    """A piece of bytes of which some ranges may have changed on the way.

    `key` is the longest unchanged run, `key_at` where it lies, `others` the remaining runs as
    (start, bytes).
    """

    key: bytes
    key_at: int
    others: tuple[tuple[int, bytes], ...]


def pattern(whole: bytes, stamped: Sequence[tuple[int, int]]) -> Pattern:
    """The pattern of `whole`, in which the half-open ranges `stamped` do not count."""
    runs: list[tuple[int, bytes]] = []
    position = 0
    for start, end in sorted(stamped):
        if start > position:
            runs.append((position, whole[position:start]))
        position = max(position, end)
    runs.append((position, whole[position:]))
    longest = max(runs, key=lambda run: len(run[1]))
    others = tuple(run for run in runs if run is not longest and run[1])
    return Pattern(longest[1], longest[0], others)


class ReceivedStream:
    """One connection's incoming bytes. `is_broken` says that the source did not keep all.

    `searched_byte_count` is what all searches have looked at, the measure of their cost.
    """

    __slots__ = ("_base", "_bytes", "is_broken", "searched_byte_count")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._base = 0
        self.is_broken = False
        self.searched_byte_count = 0

    def feed(self, byte_count: int, data: bytes | None) -> None:
        """Take in what one call received."""
        kept = data or b""
        self.is_broken |= len(kept) < byte_count
        self._bytes += kept
        surplus = len(self._bytes) - 2 * WINDOW_BYTE_COUNT
        if surplus > 0:
            # Half of it at once, so that the moving of bytes stays linear.
            del self._bytes[: surplus + WINDOW_BYTE_COUNT]
            self._base += surplus + WINDOW_BYTE_COUNT

    def find(self, sought: Pattern, start: int) -> int | None:
        """Where the piece ends, the first time that it lies at or behind `start`; None if nowhere.

        Positions count from the beginning of the connection.
        """
        position = max(start - self._base, 0)
        while True:
            found = self._bytes.find(sought.key, position)
            end = len(self._bytes) if found < 0 else found + len(sought.key)
            self.searched_byte_count += end - position
            if found < 0:
                return None
            begin = found - sought.key_at
            if begin >= 0 and all(
                self._bytes[begin + at : begin + at + len(run)] == run for at, run in sought.others
            ):
                return self._base + found + len(sought.key)
            position = found + 1


class Reception:
    """All connections of the receiver, and how far each file has used each of them."""

    __slots__ = ("_cursors", "_last", "_streams")

    def __init__(self) -> None:
        self._streams: dict[int, ReceivedStream] = {}
        self._cursors: dict[tuple[int, int], int] = {}
        self._last: dict[int, int] = {}

    @property
    def searched_byte_count(self) -> int:
        """What all searches have looked at."""
        return sum(stream.searched_byte_count for stream in self._streams.values())

    @property
    def is_broken(self) -> bool:
        """True if the source did not keep every received byte."""
        return any(stream.is_broken for stream in self._streams.values())

    def feed(self, connection: int, byte_count: int, data: bytes | None) -> None:
        """Take in what one call received on one connection."""
        self._streams.setdefault(connection, ReceivedStream()).feed(byte_count, data)

    def take(self, file: int, sought: Pattern) -> bool:
        """True if the piece was received, behind what the file took before on that connection."""
        last = self._last.get(file)
        order = sorted(self._streams, key=lambda connection: connection != last)
        for connection in order:
            cursor = self._cursors.get((file, connection), 0)
            end = self._streams[connection].find(sought, cursor)
            if end is not None:
                self._cursors[file, connection] = end
                self._last[file] = connection
                return True
        return False
