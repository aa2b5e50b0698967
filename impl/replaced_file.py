"""Small files that are replaced as a whole: written aside, synced, renamed, folder synced.

A crash at any point leaves the old file or the new one. `write_synced` is for files that carry a
checksum of their own and may be written in place.
"""

from typing import Final

from iowitness.impl.log_files import Buffer, LogFiles, OpenFile

ASIDE: Final = ".tmp"


def replace_file(files: LogFiles, directory: str, name: str, content: bytes) -> None:
    """The file of that name has this content, now and after a crash."""
    path = f"{directory}/{name}"
    write_synced(files, path + ASIDE, content)
    files.rename(path + ASIDE, path)
    files.sync_directory(directory)


def write_synced(files: LogFiles, path: str, content: bytes) -> None:
    """Writes and syncs a file; its directory entry is the caller's to sync."""
    file = files.create(path)
    try:
        write_whole(file, content, 0)
        file.sync()
    finally:
        file.close()


def write_whole(file: OpenFile, content: Buffer, position: int) -> int:
    """Writes all of some bytes, by one call if the kernel takes them all; their number."""
    written = 0
    while written < len(content):
        written += file.write_at(memoryview(content)[written:], position + written)
    return written


def read_file(files: LogFiles, path: str) -> bytes | None:
    """All of a file; None if there is none."""
    if not files.exists(path):
        return None
    file = files.open(path)
    try:
        return _whole(file)
    finally:
        file.close()


def _whole(file: OpenFile) -> bytes:
    content = file.read_at(file.byte_count(), 0)
    while piece := file.read_at(1 << 20, len(content)):
        content += piece
    return content
