"""The control: what a server without sendfile does, a read into a buffer and a send out of it.

It exists so that there is something to compare with, and for sockets that encrypt.
Source: the traditional path in docs/architecture.md.
"""

from typing import Final

from iowitness.impl.file_region import FileRegion

CHUNK_BYTE_COUNT: Final = 131_072


def next_chunk(region: FileRegion) -> tuple[bytes, FileRegion | None]:
    """The region's first bytes, read, and what is left of it, None if nothing is.

    One pread call. Raises `OSError` if the file has become shorter than the region.
    """
    chunk = region.file.read_at(min(region.byte_count, CHUNK_BYTE_COUNT), region.position)
    if not chunk:
        raise OSError(
            f"{region.file.path} at byte {region.position}: the file ends "
            f"{region.byte_count} B too early"
        )
    if len(chunk) == region.byte_count:
        return chunk, None
    return chunk, region.sliced(len(chunk), region.byte_count - len(chunk))
