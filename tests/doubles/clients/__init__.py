"""Foreign Kafka clients, and ours, behind one face: what the client matrix asks of each.

A client skips the test by its name where it is missing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

PATIENCE_S = 60.0


class Sent(NamedTuple):
    """A record to produce, or one that came back."""

    topic: str
    partition: int
    value: bytes


class MatrixClient(Protocol):
    """One client. `codecs` are those that it offers.

    `most_partitions_read` limits how many are read one by one, for a client that is slow to start.
    """

    codecs: Sequence[str]
    most_partitions_read: int | None

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        """Send all, and have them acknowledged; `between`, if any, runs after the first half is."""

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        """The first so many values of a partition."""

    def read_group(
        self,
        bootstrap: str,
        topics: Sequence[str],
        count: int,
        between: Callable[[], None],
    ) -> list[Sent]:
        """So many records as the one member of a group; `between` runs after the first half.

        Those of the first half are committed by then.
        """


def halves(records: Sequence[Sent]) -> tuple[Sequence[Sent], Sequence[Sent]]:
    """What comes before and after a restart."""
    middle = len(records) // 2
    return records[:middle], records[middle:]
