"""What became of a batch set that was appended."""

from msgspec import Struct

from iowitness.impl.batch_format import NO_TIMESTAMP_MS


class Appended(Struct, frozen=True, gc=False):
    """Where a batch set went. `log_append_time_ms` is -1 unless the topic stamps it.

    `is_duplicate` says that a producer sent it before: the offsets are those of the first time,
    and nothing was written.
    """

    base_offset: int
    last_offset: int
    byte_count: int
    log_append_time_ms: int = NO_TIMESTAMP_MS
    is_duplicate: bool = False
