"""What became of a batch set that was appended."""

from msgspec import Struct


class Appended(Struct, frozen=True, gc=False):
    """Where a batch set went.

    `is_duplicate` says that a producer sent it before: the offsets are those of the first time,
    and nothing was written.
    """

    base_offset: int
    last_offset: int
    byte_count: int
    is_duplicate: bool = False
