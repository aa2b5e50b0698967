"""The lines of raw traces: plain, `.gz`, `.xz`, `.zst`, or standard input as `-`."""

import gzip
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, cast

import zstandard

from iowitness.traces.trace_error import TraceError

_CHUNK_BYTE_COUNT = 1 << 20
_LONGEST_LINE_BYTE_COUNT = 64 << 20
"""A line longer than this is no strace output: 16 MiB of data, each byte escaped, is the most."""


def opened(path: str) -> IO[bytes]:
    """A raw trace to read from; what it is compressed with is told by its first bytes."""
    if path == "-":
        return sys.stdin.buffer
    with open(path, "rb") as file:
        start = file.read(6)
    for magic, decompressed in _FORMS.items():
        if start.startswith(magic):
            return decompressed(path)
    return open(path, "rb")


def _gzip(path: str) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb"))


def _xz(path: str) -> IO[bytes]:
    return cast("IO[bytes]", lzma.open(path, "rb"))


def _zstd(path: str) -> IO[bytes]:
    reader = zstandard.ZstdDecompressor().stream_reader(
        open(path, "rb"),  # noqa: SIM115  # the reader closes it
        read_across_frames=True,
        closefd=True,
    )
    return cast("IO[bytes]", reader)


_FORMS: Mapping[bytes, Callable[[str], IO[bytes]]] = {
    b"\x1f\x8b": _gzip,
    b"\xfd7zXZ\0": _xz,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def file_lines(path: str) -> Iterator[bytes]:
    """The lines of a raw trace, with their newlines; the last one may have none.

    Raises `TraceError` where the file cannot be read, is damaged, or is no text.
    """
    number = 0
    rest = b""
    try:
        with opened(path) as file:
            while chunk := file.read(_CHUNK_BYTE_COUNT):
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                number += len(lines)
                if len(rest) > _LONGEST_LINE_BYTE_COUNT:
                    raise TraceError(
                        f"line={len(rest)} B and more, expected at most "
                        f"{_LONGEST_LINE_BYTE_COUNT} B",
                        file=path,
                        line=number + 1,
                    )
                for line in lines:
                    yield line + b"\n"
        if rest:
            yield rest
    except (OSError, EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError) as error:
        raise TraceError(f"cannot be read: {error}", file=path, line=number) from error
