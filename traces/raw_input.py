"""The lines of raw traces: plain, `.gz`, `.xz`, `.zst`, or standard input as `-`."""

import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import IO, cast

import zstandard

from iowitness.traces.trace_error import TraceError

_CHUNK_BYTE_COUNT = 1 << 17
_LINES_AT_ONCE = 512
_LONGEST_LINE_BYTE_COUNT = 64 << 20
"""A line longer than this is no strace output: 16 MiB of data, each byte escaped, is the most."""


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """A raw trace to read from; what it is compressed with is told by its first bytes."""
    with ExitStack() as held:
        if path == "-":
            packed = io.BufferedReader(cast("io.RawIOBase", sys.stdin.buffer))
            held.callback(packed.detach)  # standard input stays open
        else:
            packed = io.BufferedReader(held.enter_context(open(path, "rb", buffering=0)))
        start = packed.peek(6)
        for magic, decompressed in _FORMS.items():
            if start.startswith(magic):
                yield held.enter_context(decompressed(packed))
                return
        yield packed


def _gzip(packed: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(packed, "rb"))


def _xz(packed: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", lzma.open(packed, "rb"))


class _ZstdText(io.RawIOBase):
    """The text of a .zst file, several frames too.

    zstandard's own reader takes a file that ends within a frame for a whole one; this does not.
    """

    def __init__(self, packed: IO[bytes]) -> None:
        self._file = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False

    def read(self, _size: int = -1) -> bytes:
        while packed := self._file.read(_CHUNK_BYTE_COUNT):
            text = self._unpacked(packed)
            if text:
                return text
        if self._begun:
            raise EOFError("the compressed file ends before its end")
        return b""

    def _unpacked(self, packed: bytes) -> bytes:
        parts: list[bytes] = []
        while packed:
            parts.append(self._frame.decompress(packed))
            self._begun = not self._frame.eof
            if not self._frame.eof:
                break
            packed = self._frame.unused_data
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        return b"".join(parts)


def _zstd(packed: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", _ZstdText(packed))


_FORMS: Mapping[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": _gzip,
    b"\xfd7zXZ\0": _xz,
    b"\x28\xb5\x2f\xfd": _zstd,
}


_DAMAGE = (OSError, EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError)


class RawLines:
    """The lines of a raw trace, in lists, without their newlines.

    `unterminated` is the last line where no newline ends it, known once the iteration is through.
    """

    def __init__(self, path: str, chunk_byte_count: int = _CHUNK_BYTE_COUNT) -> None:
        self.path = path
        self._chunk_byte_count = chunk_byte_count
        self.unterminated: bytes | None = None
        self.line_count = 0

    def __iter__(self) -> Iterator[list[bytes]]:
        """Raises `TraceError` where the file cannot be read, is damaged, or is no text."""
        try:
            yield from self._lists()
        except _DAMAGE as error:
            raise TraceError(f"cannot be read: {error}", file=self.path) from error

    def _lists(self) -> Iterator[list[bytes]]:
        rest: list[bytes] = []
        rest_byte_count = 0
        with opened(self.path) as file:
            while chunk := file.read(self._chunk_byte_count):
                lines = chunk.split(b"\n")
                if len(lines) == 1:
                    rest.append(chunk)
                    rest_byte_count += len(chunk)
                    self._refuse_endless(rest_byte_count)
                    continue
                lines[0] = b"".join((*rest, lines[0]))
                rest = [lines.pop()]
                rest_byte_count = len(rest[0])
                self.line_count += len(lines)
                yield lines
        self.unterminated = b"".join(rest) or None

    def chunks(self) -> Iterator[bytes]:
        """The text from its beginning, for a look ahead; nothing of standard input."""
        if self.path == "-":
            return
        try:
            with opened(self.path) as file:
                while chunk := file.read(self._chunk_byte_count):
                    yield chunk
        except _DAMAGE as error:
            raise TraceError(f"cannot be read: {error}", file=self.path) from error

    def _refuse_endless(self, byte_count: int) -> None:
        if byte_count > _LONGEST_LINE_BYTE_COUNT:
            raise TraceError(
                f"line={byte_count} B and more, expected at most {_LONGEST_LINE_BYTE_COUNT} B",
                file=self.path,
                line=self.line_count + 1,
            )


class GivenLines:
    """Lines that are at hand, each with its newline or without; otherwise as `RawLines`."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.unterminated: bytes | None = None
        self._lines = lines

    def __iter__(self) -> Iterator[list[bytes]]:
        waiting = iter(self._lines)
        last: bytes | None = next(waiting, None)
        while last is not None:
            some = [last, *islice(waiting, _LINES_AT_ONCE)]
            last = next(waiting, None)
            if last is None and not some[-1].endswith(b"\n"):
                self.unterminated = some.pop()
            yield [line.removesuffix(b"\n") for line in some]


def file_lines(path: str) -> Iterator[bytes]:
    """The lines of a text file one by one, the last one whether a newline ends it or not."""
    lines = RawLines(path)
    for some in lines:
        yield from some
    if lines.unterminated is not None:
        yield lines.unterminated
