"""The scanner of strace's argument text: strings, descriptors, structures, arrays, comments.

strace prints the arguments of a call in a C-like notation. All functions take bytes, because a
trace has no encoding: strings in it are escaped, and what is not escaped is ASCII.
Every reader is `(text, position) -> (value, position after it)` or takes one whole argument.
Source: strace 6.1 src/util.c (string_quote, print_quoted_string_ex, printfd_pid).
"""

import re
from codecs import escape_decode
from functools import lru_cache

from iowitness.traces.name_text import name_text
from iowitness.traces.trace_error import TraceError, quoted

_STOPS = re.compile(rb'["(\[{<)\]},]|/\*')
"""What a scan over arguments has to look at; all else belongs to the argument it stands in."""

_PATH_DECORATION = re.compile(rb"<[^<>]*(?:<(?:char|block) [0-9]+:[0-9]+>)?>(?:\(deleted\))?")
_SOCKET_DECORATION = re.compile(
    rb'<[A-Za-z0-9_-]+:\[(?:[^"\]]|"(?:[^"\\]|\\.)*"|\](?!>))*\]>(?:\(deleted\))?', re.DOTALL
)
_INTERRUPTED = re.compile(rb"<\.\.\. resuming interrupted [a-z0-9_]+ \.\.\.>")
_ESCAPED = re.compile(
    rb'[^\\]*+(?:\\(?:[0-7]{1,3}|x[0-9a-fA-F]{2}|[abfnrtv"\\])[^\\]*+)*', re.DOTALL
)
_CLOSING = {ord("("): ord(")"), ord("["): ord("]"), ord("{"): ord("}")}
_NUMBER = re.compile(rb"-?(?:0x[0-9a-fA-F]+|[0-9]+)")
_DESCRIPTOR = re.compile(rb"-?[0-9]+")


def unescaped(raw: bytes) -> bytes:
    r"""The bytes that strace wrote between two quotes, without its C escapes (`\0`, `\x41`)."""
    if 0x5C not in raw:
        return raw
    try:
        plain = escape_decode(raw)[0]
    except (ValueError, DeprecationWarning) as error:
        raise TraceError(f"string={quoted(raw)}, expected C escapes ({error})") from error
    if 0x5C in plain and _ESCAPED.fullmatch(raw) is None:
        # An escape that is none is left as it is: so a backslash that stays is worth a look.
        raise TraceError(f"string={quoted(raw)}, expected C escapes")
    return plain


def end_of_string(text: bytes, start: int) -> int:
    """The position after the closing quote of the string whose opening quote is at `start`.

    A quote inside is escaped, so the first one with an even number of backslashes before it ends
    the string. `find` jumps from quote to quote, which is what makes buffers of 256 KiB cheap.
    """
    position = start
    while True:
        position = text.find(b'"', position + 1)
        if position < 0:
            raise TraceError(f"text={quoted(text[start:])}, expected a closing quote")
        before = position - 1
        while text[before] == 0x5C:
            before -= 1
        if (position - before) & 1:
            return position + 1


def end_of_decoration(text: bytes, start: int) -> int:
    """The position after the `<...>` at `start`, -1 where there is none.

    Inside a path `<` and `>` are escaped. A socket's has raw ones (`->`, and in quoted names).
    """
    for shape in (_SOCKET_DECORATION, _PATH_DECORATION, _INTERRUPTED):
        found = shape.match(text, start)
        if found is not None:
            return found.end()
    return -1


def _is_decoration(text: bytes, position: int) -> bool:
    """Whether the `<` here opens a decoration and is no shift operator."""
    return b"<" not in (text[position + 1 : position + 2], text[position - 1 : position])


def _skip(text: bytes, position: int) -> int:
    """The position after the string, decoration or comment that starts here."""
    first = text[position]
    if first == 0x22:
        return end_of_string(text, position)
    if first == 0x3C:
        if not _is_decoration(text, position):
            return position + 1
        end = end_of_decoration(text, position)
        if end < 0:
            raise TraceError(f"text={quoted(text[position:])}, expected a closing '>'")
        return end
    end = text.find(b"*/", position)
    if end < 0:
        raise TraceError(f"text={quoted(text[position:])}, expected the end of a comment")
    return end + 2


def split_arguments(text: bytes, start: int, closing: int = 0x29) -> tuple[list[bytes], int]:
    """The arguments from `start` up to the closing bracket, and the position after that.

    `start` is just behind the opening bracket. Commas inside strings, decorations, comments and
    nested brackets do not separate.
    """
    arguments: list[bytes] = []
    nested: list[int] = []
    begin = position = start
    while True:
        stop = _STOPS.search(text, position)
        if stop is None:
            raise TraceError(f"text={quoted(text[start:])}, expected {chr(closing)!r}")
        at = stop.start()
        byte = text[at]
        if byte == 0x2C:
            if not nested:
                arguments.append(text[begin:at].strip())
                begin = at + 1
            position = at + 1
        elif byte in _CLOSING:
            nested.append(_CLOSING[byte])
            position = at + 1
        elif byte in (0x29, 0x5D, 0x7D):
            if not nested:
                if byte != closing:
                    raise TraceError(f"bracket={chr(byte)!r}, expected {chr(closing)!r}")
                last = text[begin:at].strip()
                if last or arguments:
                    arguments.append(last)
                if text.find(b" /* ", start, at) >= 0:
                    arguments = [_named(argument) for argument in arguments]
                return arguments, at + 1
            if nested.pop() != byte:
                raise TraceError(f"text={quoted(text[start:])}, expected brackets in pairs")
            position = at + 1
        else:
            position = _skip(text, at)


_CONSTANT = rb"-?[0-9][0-9a-fx]* /\* ([A-Z][A-Z0-9_]*(?:\|[A-Zx0-9_]+)*) \*/"
_CONSTANTS = re.compile(
    rb"(?:[a-z_0-9]+=)?" + _CONSTANT + rb"(?:\|" + _CONSTANT + rb")*(?:<.*>)?", re.DOTALL
)
_ONE_CONSTANT = re.compile(_CONSTANT)


def _named(argument: bytes) -> bytes:
    """`-100 /* AT_FDCWD */</tmp>` as `AT_FDCWD</tmp>`: how `-X verbose` prints constants.

    A structure's member has its name in front.
    """
    if _CONSTANTS.fullmatch(argument) is None:
        return argument
    return _ONE_CONSTANT.sub(rb"\1", argument)


def items(array: bytes) -> list[bytes]:
    """The items of `[a, b, ...]`; a final `...` (strace abbreviated) is one of them.

    strace separates signals by blanks and others by commas; only the latter are of interest here.
    """
    if not array.startswith(b"["):
        raise TraceError(f"argument={quoted(array)}, expected an array")
    return split_arguments(array, 1, 0x5D)[0]


def fields(structure: bytes) -> dict[bytes, bytes]:
    """The members of `{name=value, ...}` by name, as text."""
    if not structure.startswith(b"{"):
        raise TraceError(f"argument={quoted(structure)}, expected a structure")
    found: dict[bytes, bytes] = {}
    for member in split_arguments(structure, 1, 0x7D)[0]:
        name, equals, value = member.partition(b"=")
        if equals:
            found[name] = value
    return found


def number(argument: bytes) -> int:
    """An integer as strace prints it: decimal, 0x, leading 0 for octal, products, `NULL`.

    A comment or a decoration behind it is left aside.
    """
    found = _NUMBER.match(argument)
    if found is None:
        if argument.startswith(b"NULL"):
            return 0
        raise TraceError(f"argument={quoted(argument)}, expected a number")
    text = found.group()
    rest = argument[found.end() :]
    if rest.startswith(b"*"):
        return _integer(text) * number(rest[1:])
    if rest.startswith(b"<<"):
        return _integer(text) << number(rest[2:])
    return _integer(text)


def _integer(text: bytes) -> int:
    digits = text.lstrip(b"-")
    if len(digits) > 1 and digits.startswith(b"0") and digits[1:2] not in (b"x", b"X"):
        return int(text, 8)
    return int(text, 0)


def is_number(argument: bytes) -> bool:
    """Whether `number` can read the argument."""
    return _NUMBER.match(argument) is not None or argument.startswith(b"NULL")


def descriptor_number(argument: bytes) -> int:
    """The number in front of a descriptor's decoration: `7</path>` is 7; AT_FDCWD is -100."""
    found = _DESCRIPTOR.match(argument)
    if found is not None:
        return int(found.group())
    if argument.startswith(b"AT_FDCWD"):
        return -100
    raise TraceError(f"argument={quoted(argument)}, expected a descriptor")


def string(argument: bytes) -> tuple[bytes, bool] | None:
    """A string argument's bytes and whether they are all of it; None where it is no string.

    strace prints an address for a buffer that it could not or need not read.
    """
    if not argument.startswith(b'"'):
        return None
    end = end_of_string(argument, 0)
    return unescaped(argument[1 : end - 1]), not argument.startswith(b"...", end)


def path(argument: bytes) -> str:
    """A path argument as text (`name_text`); abstract names with `@`."""
    found = string(argument.removeprefix(b"@"))
    if found is None:
        raise TraceError(f"argument={quoted(argument)}, expected a path")
    prefix = "@" if argument.startswith(b"@") else ""
    return prefix + name_text(found[0])


@lru_cache(maxsize=4096)
def flags(argument: bytes) -> frozenset[bytes]:
    """The names in `A|B|0x10`; programs use few combinations, which are kept."""
    return frozenset(argument.split(b"|"))
