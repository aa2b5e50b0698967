"""The shapes of the frequent lines as regular expressions: a fast way to what the scanner finds.

A shape accepts only lines that the scanner of `strace_text` takes apart in the same way, and
refuses whatever would need a second look (a quote in a path, a comma in a decoration); the scanner
then decides. Tests hold the two against each other, on recordings and on drawn calls.

All shapes are of lines that begin `PID SECONDS.FRACTION name(`, with UNIX time and a duration.
"""

import re
from codecs import escape_decode
from collections.abc import Callable
from re import Match, Pattern
from typing import TypeAlias

from iowitness.traces.strace_text import unescaped
from iowitness.traces.trace_error import TraceError

_HEAD = rb"([0-9]+) +([0-9]{10}\.[0-9]{%d}) "
_DECORATION = rb'<[^<>,"]*(?:->[^<>,"]*)?>(?:\(deleted\))?'
_ARGUMENTS = rb'[^"{}()\[\]<>]*(?:' + _DECORATION + rb'[^"{}()\[\]<>]*)*'
_ERROR = rb"(?:(?: (E[A-Z0-9]+))? \((?!INJECTED|DELAYED)[^()]*\))?"
_DURATION = rb" <([0-9]+\.[0-9]+)>"
_LENGTH = rb"(?:\.\.\.)?, ([0-9]+)"
_COUNT = rb"\) += ([0-9]+)" + _DURATION


BufferShape: TypeAlias = tuple[Pattern[bytes], Pattern[bytes]]
"""A quick shape, and a thorough one for what it refuses."""

LONGEST_QUOTED_BYTE_COUNT = 4096
"""The thorough shape goes escape by escape; above this the scanner's search is faster."""


def _line_of(name: bytes, arguments: bytes, fraction_digits: int) -> Pattern[bytes]:
    head = _HEAD.replace(b"%d", str(fraction_digits).encode())
    return re.compile(head + name + rb"\(" + arguments, re.DOTALL)


class LineShapes:
    """The shapes for one precision of time: 6 digits behind the point (`-ttt`) or 9.

    All have the thread and the time as their first groups.
    """

    def __init__(self, fraction_digits: int) -> None:
        self._digits = fraction_digits
        head = self._shape(rb"([a-z_][a-z0-9_]*)", rb"").pattern
        self.call = re.compile(head.removesuffix(rb"\("))
        """The beginning of a line, up to a call's name."""
        self.simple = self._shape(
            rb"([a-z_][a-z0-9_]*)",
            rb"(" + _ARGUMENTS + rb")\) += "
            rb"((0x[0-9a-f]+|-?[0-9]+|\?)(?:" + _DECORATION + rb")?)" + _ERROR + _DURATION,
        )
        """A call without strings, structures and arrays: name, arguments, result with and without
        decoration, error, duration."""

    def _shape(self, name: bytes, arguments: bytes) -> Pattern[bytes]:
        return _line_of(name, arguments, self._digits)

    def _buffers(self, name: bytes, before: bytes, length: bytes, after: bytes) -> BufferShape:
        """A call with one buffer: the quick shape, and the one for strings with quotes in them."""
        quick = before + rb'"([^"]*+)"' + length + after + _COUNT
        quoted = before + rb'"([^"\\]*+(?:\\.[^"\\]*+)*)"' + length + after + _COUNT
        return self._shape(name, quick), self._shape(name, quoted)

    def plain(self, name: bytes) -> BufferShape:
        """A read or write: descriptor, data, requested, nothing, result, duration."""
        return self._buffers(name, rb'([^"]*), ', _LENGTH, rb"()")

    def placed(self, name: bytes) -> BufferShape:
        """A pread64 or pwrite64: descriptor, data, requested, offset, result, duration."""
        return self._buffers(name, rb'([^"]*), ', _LENGTH, rb", ([0-9]+)")

    def addressed(self, name: bytes) -> BufferShape:
        """A recvfrom or sendto without address: as `plain`, with the flags for the nothing."""
        return self._buffers(name, rb'([^"]*), ', _LENGTH, rb", ([A-Z_|0-9]+), NULL, (?:NULL|0)")

    def vector_of_one(self, name: bytes) -> BufferShape:
        """A writev of a single buffer: as `plain`."""
        length = rb"(?:\.\.\.)?, iov_len=([0-9]+)\}\], 1"
        return self._buffers(name, rb'([^"]*), \[\{iov_base=', length, rb"()")

    def open_at(self) -> Pattern[bytes]:
        """Openat of an absolute path: path, flags, result with and without its decoration, the
        path in that, error, duration.
        """
        return self._shape(
            b"openat",
            rb'AT_FDCWD(?:<[^<>"\\]*>)?, "(/[ !#-\[\]-~]*)", ([A-Z_|]+)(?:, 0[0-7]*)?\) += '
            rb"(?:(([0-9]+)<(/[!-;=?-\[\]-~]*)>)|-1 (E[A-Z0-9]+) \([^()]*\))" + _DURATION,
        )

    def copy(self) -> Pattern[bytes]:
        """sendfile: destination, source, offset, requested, result, duration."""
        return self._shape(
            b"sendfile",
            rb"([0-9]+" + _DECORATION + rb"), ([0-9]+" + _DECORATION + rb"), "
            rb"(NULL|\[[0-9]+\](?: => \[[0-9]+\])?), ([0-9]+)" + _COUNT,
        )

    def shut(self) -> Pattern[bytes]:
        """Close that succeeded: descriptor, duration."""
        return self._shape(b"close", rb"([0-9]+" + _DECORATION + rb")\) += 0" + _DURATION)

    def seek(self) -> Pattern[bytes]:
        """Lseek to a place: descriptor, position, duration."""
        return self._shape(
            b"lseek",
            rb"([0-9]+" + _DECORATION + rb"), -?[0-9]+, SEEK_(?:SET|CUR)\) += ([0-9]+)" + _DURATION,
        )

    def map_memory(self) -> Pattern[bytes]:
        """Mmap of no file: length, flags, address, duration."""
        return self._shape(
            b"mmap",
            rb"(?:NULL|0x[0-9a-f]+), ([0-9]+), [A-Z_|]+, ([A-Z_|]+), -1, 0\) += (0x[0-9a-f]+)"
            + _DURATION,
        )

    def unmap(self) -> Pattern[bytes]:
        """munmap: address, length, duration."""
        return self._shape(b"munmap", rb"(0x[0-9a-f]+), ([0-9]+)\) += 0" + _DURATION)


_BACKSLASH = 0x5C
"""A number: `0x5C in raw` takes 20 ns, `b"\\\\" in raw` 150, by way of a suppressed exception."""


def thorough(shape: BufferShape) -> Callable[[bytes], Match[bytes] | None]:
    """The match of a line that the quick shape refused."""
    match = shape[1].fullmatch

    def again(line: bytes) -> Match[bytes] | None:
        if len(line) > LONGEST_QUOTED_BYTE_COUNT or line.endswith(b"unfinished ...>"):
            return None
        return match(line)

    return again


def simple_arguments(text: bytes) -> list[bytes] | None:
    """The arguments of a `simple` call, None where a comma without a blank needs the scanner."""
    arguments = text.split(b", ")
    if text.count(b",") != len(arguments) - 1:
        return None
    if text[:1] == b" " or text[-1:] == b" " or b"  " in text:
        return [argument.strip() for argument in arguments] if text.strip() else None
    return arguments if text else []


def string_content(raw: bytes) -> bytes | None:
    """The bytes of what stood between two quotes without a quote in between.

    None where the scanner has to look: the second quote may be an escaped one.
    """
    if _BACKSLASH not in raw:
        return raw
    try:
        plain = escape_decode(raw)[0]
    except (ValueError, DeprecationWarning):
        return None
    if _BACKSLASH not in plain:
        return plain
    try:
        return unescaped(raw)
    except TraceError:
        return None


class Durations(dict[bytes, int]):
    """Durations by their text: a trace has few different ones, in microseconds at least.

    -1 for a precision other than micro- and nanoseconds, which needs the scanner.
    """

    _most = 1 << 16

    def __missing__(self, text: bytes) -> int:
        if len(self) >= self._most:
            self.clear()
        found = -1
        if text[-7:-6] == b".":
            found = int(text.replace(b".", b"")) * 1000
        elif text[-10:-9] == b".":
            found = int(text.replace(b".", b""))
        self[text] = found
        return found
