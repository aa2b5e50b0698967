"""The shapes of the frequent calls: a fast way to what the scanner finds.

A text is cut at the marks that only its own syntax has there, and the pieces are held against
regular expressions, most of them once for all lines that share them. A shape accepts only what the
scanner of `strace_text` takes apart in the same way, and refuses whatever would need a second look
(a comma in a decoration, an error, a comment); the scanner then decides. Tests hold the two against
each other, on recordings and on drawn calls.

All texts are of calls whose trace has durations (`-T`), from behind the bracket that opens the
arguments.
"""

import re
from codecs import escape_decode
from collections.abc import Callable
from re import Pattern
from typing import TypeAlias

from msgspec import json

from iowitness.traces.strace_text import unescaped

_DECORATION = rb'<[^<>,"]*(?:->[^<>,"]*)?>(?:\(deleted\))?'
_ARGUMENTS = rb'[^"{}()\[\]<>]*(?:' + _DECORATION + rb'[^"{}()\[\]<>]*)*'
_ERROR = rb"(?:(?: (E[A-Z0-9]+))? \((?!INJECTED|DELAYED)[^()]*\))?"
_DURATION = rb" <([0-9]+\.[0-9]+)>"
_LENGTH = rb"(?:\.\.\.)?, ([0-9]+)"
_COUNT = rb"\) += ([0-9]+)" + _DURATION

NAME = re.compile(rb"[a-z_][a-z0-9_]*")
SIMPLE = re.compile(
    rb"(" + _ARGUMENTS + rb")\) += ((0x[0-9a-f]+|-?[0-9]+|\?)(?:" + _DECORATION + rb")?)"
    + _ERROR + _DURATION
)  # fmt: skip
"""A call without strings, structures and arrays: arguments, result with and without decoration,
error, duration."""

COPY = re.compile(
    rb"([0-9]+" + _DECORATION + rb"), ([0-9]+" + _DECORATION + rb"), "
    rb"(NULL|\[[0-9]+\](?: => \[[0-9]+\])?), ([0-9]+)" + _COUNT
)
"""sendfile: destination, source, offset, requested, result, duration."""

OPENED_AT = re.compile(rb"([0-9]+)<(/[!-;=?-\[\]-~]*)> <")
"""The result of an openat of a plain path: number, path."""

NOT_OPENED = re.compile(rb"-1 (E[A-Z0-9]+) \([^()]*\) <")
"""The result of an openat that failed: error."""

OPENING = re.compile(rb", ([A-Z_|]+)(?:, 0[0-7]*)?\) +")
"""What stands between path and result of an openat: the flags."""

HERE = re.compile(rb'AT_FDCWD(?:<[^<>"\\]*>)?, ')
"""The first argument of an openat that does not matter where the path is absolute."""

SHUT = re.compile(rb" += 0 <")
"""What stands behind the bracket of a close that succeeded, up to the duration."""

SOUGHT = re.compile(rb"SEEK_(?:SET|CUR)\) += ([0-9]+) <")
"""The last argument of an lseek to a place, and its result: position."""

MEMORY = re.compile(rb"0\) += (0x[0-9a-f]+) <")
"""The last argument of an mmap of no file, and its result: address."""

UNMAPPED = re.compile(rb"(0x[0-9a-f]+), ([0-9]+)\) += 0" + _DURATION)
"""munmap: address, length, duration."""

_READY = rb"\{events=[A-Z|]+, data=(?:\{u32=[0-9]+, u64=[0-9]+\}|0x[0-9a-f]+)\}"
WOKEN = re.compile(
    rb"[0-9]+" + _DECORATION + rb", \[(?:" + _READY + rb"(?:, " + _READY + rb")*)?\], "
    rb"[0-9]+, -?[0-9]+(?:, NULL, 8)?" + _COUNT
)
"""epoll_wait that returned events: result, duration."""

SECOND_NS = 1_000_000_000
FIRST_UNIX_S = 100_000_000
HEAD = re.compile(rb"([0-9]{1,8}) +([0-9]{10})\.")
"""The beginning of a line up to its time's point: thread and second."""

Moved: TypeAlias = tuple[int, int, int]
"""What stands between the string of a read or write and the duration: requested, offset (0 where
the call has none), result."""

_RESULT = rb"\) += ([0-9]+) <"
_PLAIN = re.compile(_LENGTH + rb"()" + _RESULT)
_PLACED = re.compile(_LENGTH + rb", ([0-9]+)" + _RESULT)
_ADDRESSED = re.compile(
    _LENGTH + rb", (?:0|MSG_NOSIGNAL|MSG_DONTWAIT|MSG_DONTWAIT\|MSG_NOSIGNAL), "
    rb"NULL, (?:NULL|0)()" + _RESULT
)
_VECTOR = re.compile(rb"(?:\.\.\.)?, iov_len=([0-9]+)\}\], 1()" + _RESULT)


def duration_of(text: bytes) -> int:
    """A duration in nanoseconds; -1 for a precision other than micro- and nanoseconds."""
    if text[-7:-6] == b".":
        return int(text.replace(b".", b"")) * 1000
    if text[-10:-9] == b".":
        return int(text.replace(b".", b""))
    return -1


def fractions_ns(lines: list[bytes], start: int, end: int) -> list[int]:
    """What stands behind the seconds' point in each line, in nanoseconds, and a second more.

    0 for what is no number of `end - start - 1` digits with a blank behind it. A JSON decoder turns
    thousands of them into integers in the time that Python takes for hundreds; JSON has no zeros in
    front, so each gets a 1 there, which is the second more.
    """
    digits = end - start - 1
    columns = [line[start:end] for line in lines]
    joined = b"".join(columns)
    numbers = joined.split(b" ")[:-1]
    if (
        len(joined) == len(numbers) * (digits + 1)
        and joined[digits :: digits + 1] == b" " * len(lines)
        and joined.replace(b" ", b"").isdigit()
    ):
        unit = b"0" * (9 - digits)
        return json.decode(b"[1" + (unit + b",1").join(numbers) + unit + b"]", type=list[int])
    return [
        SECOND_NS + int(column[:-1].ljust(9, b"0")) if _is_fraction(column, digits) else 0
        for column in columns
    ]


def _is_fraction(column: bytes, digits: int) -> bool:
    return len(column) == digits + 1 and column[-1:] == b" " and column[:-1].isdigit()


_ENDED = re.compile(rb"([0-9]+\.[0-9]+)>")


def ended(text: bytes) -> int | None:
    """A duration and the bracket behind it; None for what cannot be read here."""
    found = _ENDED.fullmatch(text)
    took_ns = -1 if found is None else duration_of(found[1])
    return None if took_ns < 0 else took_ns


_FLAGS = re.compile(rb"[A-Z_|0-9x]+")


def is_flags(text: bytes) -> bool:
    """Whether an argument is names of flags."""
    return _FLAGS.fullmatch(text) is not None


def _moved(shape: Pattern[bytes]) -> Callable[[bytes], Moved | None]:
    match = shape.fullmatch

    def moved(text: bytes) -> Moved | None:
        found = match(text)
        if found is None:
            return None
        asked, count = int(found[1]), int(found[3])
        return None if count > asked else (asked, int(found[2] or 0), count)

    return moved


plain_end = _moved(_PLAIN)
"""Of read and write."""

placed_end = _moved(_PLACED)
"""Of pread64 and pwrite64."""

addressed_end = _moved(_ADDRESSED)
"""Of recvfrom and sendto without address, whose flags change nothing about which bytes move."""

vector_end = _moved(_VECTOR)
"""Of writev of a single buffer."""


def simple_arguments(text: bytes) -> list[bytes] | None:
    """The arguments of a `SIMPLE` call; None for commas without a blank, and for comments."""
    arguments = text.split(b", ")
    if text.count(b",") != len(arguments) - 1 or text.find(b"/*") >= 0:
        return None
    if text[:1] == b" " or text[-1:] == b" " or b"  " in text:
        return [argument.strip() for argument in arguments] if text.strip() else None
    return arguments if text else []


_BACKSLASH, _QUOTE = 0x5C, 0x22
"""Numbers: `0x5C in raw` takes 20 ns, `b"\\\\" in raw` 150, by way of a suppressed exception."""

_ONE_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*', re.DOTALL)
_LONGEST_QUOTED_BYTE_COUNT = 4096
"""The shape goes escape by escape; above this the scanner's search is faster."""


def string_content(raw: bytes) -> bytes | None:
    """The bytes of what stands between the first and the last quote, with backslashes in it.

    None where the scanner has to look: it may be more than one string, or no whole one.
    """
    if _QUOTE in raw and (
        len(raw) > _LONGEST_QUOTED_BYTE_COUNT or _ONE_STRING.fullmatch(raw) is None
    ):
        return None
    try:
        plain = escape_decode(raw)[0]
        return plain if _BACKSLASH not in plain else unescaped(raw)
    except (ValueError, DeprecationWarning):
        return None
