"""Where on the disk the bytes of files lie: chunks given out as files grow, one after another."""

from collections import deque

from iowitness.model.block_request import BlockRequest
from iowitness.model.hardware import SECTOR_BYTE_COUNT
from iowitness.model.page_cache import FileRange

CHUNK_BYTE_COUNT = 8 * 1_048_576
"""A file's bytes lie together in chunks of this size, as ext4's and XFS's allocators keep them."""


class DiskLayout:
    """From ranges of files to requests for sectors."""

    def __init__(self) -> None:
        self._sectors: dict[int, dict[int, int]] = {}  # by file and chunk
        self._next_sector = 0
        self._free: deque[int] = deque()

    def forget(self, file_id: int) -> None:
        """A file was deleted; its chunks are given out again, the longest free ones first."""
        self._free.extend(self._sectors.pop(file_id, {}).values())

    def requests(self, operation: str, wanted: FileRange) -> list[BlockRequest]:
        """The requests that cover a range, neighbouring chunks merged."""
        assert operation in ("read", "write")
        found: list[BlockRequest] = []
        at = wanted.start
        while at < wanted.end:
            chunk, within = divmod(at, CHUNK_BYTE_COUNT)
            byte_count = min(CHUNK_BYTE_COUNT - within, wanted.end - at)
            sector = self._first_sector(wanted.file_id, chunk) + within // SECTOR_BYTE_COUNT
            sector_count = -(-byte_count // SECTOR_BYTE_COUNT)
            before = found[-1] if found else None
            if before is not None and before.sector + before.sector_count == sector:
                sector, sector_count = before.sector, before.sector_count + sector_count
                found.pop()
            found.append(BlockRequest(operation, sector, sector_count))  # type: ignore[arg-type]  # narrowed by the assert above
            at += byte_count
        return found

    def _first_sector(self, file_id: int, chunk: int) -> int:
        chunks = self._sectors.setdefault(file_id, {})
        if chunk not in chunks:
            if self._free:
                chunks[chunk] = self._free.popleft()
            else:
                chunks[chunk] = self._next_sector
                self._next_sector += CHUNK_BYTE_COUNT // SECTOR_BYTE_COUNT
        return chunks[chunk]
