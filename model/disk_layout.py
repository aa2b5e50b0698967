"""Where on the disk the bytes of files lie: chunks given out as files grow, one after another."""

from iowitness.model.block_request import BlockRequest
from iowitness.model.hardware import SECTOR_BYTE_COUNT
from iowitness.model.page_cache import FileRange

CHUNK_BYTE_COUNT = 8 * 1_048_576
"""A file's bytes lie together in chunks of this size, as ext4's and XFS's allocators keep them."""


class DiskLayout:
    """From ranges of files to requests for sectors."""

    def __init__(self) -> None:
        self._sectors: dict[tuple[int, int], int] = {}
        self._next_sector = 0

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
        if (file_id, chunk) not in self._sectors:
            self._sectors[file_id, chunk] = self._next_sector
            self._next_sector += CHUNK_BYTE_COUNT // SECTOR_BYTE_COUNT
        return self._sectors[file_id, chunk]
