"""Producer ids that nobody had before, also not before the broker was started anew.

An id given out twice would make one producer's first batches look like another's again, and they
would be acknowledged without being written. So ids come in blocks, and a block's end is on the disk
before its first id is given out. Source: Kafka's ProducerIdManager, which has blocks of 1,000.
"""

from typing import Final

from iowitness.impl.checkpoint_format import encode_next_producer_id, read_next_producer_id
from iowitness.impl.log_files import LogFiles
from iowitness.impl.replaced_file import read_file, replace_file

NEXT_PRODUCER_ID: Final = "next-producer-id-checkpoint"
BLOCK_COUNT: Final = 1_000


class ProducerIds:
    """Rising ids. `first_free` is above every id that the logs know: another broker's, say."""

    __slots__ = ("_block_end", "_directory", "_files", "_next")

    def __init__(self, files: LogFiles, directory: str, first_free: int) -> None:
        """Raises `CheckpointError` for a file that is not one of these."""
        path = f"{directory}/{NEXT_PRODUCER_ID}"
        reserved = read_next_producer_id(read_file(files, path) or b"", path)
        self._files = files
        self._directory = directory
        self._next = self._block_end = max(reserved, first_free)

    def take(self) -> int:
        """One id. Raises `OSError` where a block cannot be reserved; no id is used up then."""
        if self._next == self._block_end:
            end = self._next + BLOCK_COUNT
            content = encode_next_producer_id(end)
            replace_file(self._files, self._directory, NEXT_PRODUCER_ID, content)
            self._block_end = end
        taken = self._next
        self._next += 1
        return taken
