"""Java's properties files, as Kafka's server.properties is one. Pure.

Comments begin with # or !, a name ends at =, : or a blank, a backslash at a line's end goes on in
the next one. Source: java.util.Properties.load.
"""

import re
from typing import Final

from msgspec import Struct

_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_NAME: Final = re.compile(r"((?:[^=:\s\\]|\\.)*)\s*[=:]?\s*(.*)", re.DOTALL)
_SPECIAL: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class Property(Struct, frozen=True):
    """A name, its value, and the line on which it begins, counted from 1."""

    name: str
    value: str
    line: int


def read_properties(text: str) -> tuple[Property, ...]:
    """The properties of a file, in its order, doubles included."""
    found = []
    logical, first_line = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.lstrip(" \t\f")
        if not logical:
            first_line = number
            if not stripped or stripped[0] in "#!":
                continue
        logical += stripped
        if _goes_on(logical):
            logical = logical[:-1]
            continue
        found.append(_property(logical, first_line))
        logical = ""
    if logical:
        found.append(_property(logical, first_line))
    return tuple(found)


def _goes_on(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _property(logical: str, line: int) -> Property:
    match = _NAME.fullmatch(logical)
    assert match is not None
    return Property(_plain(match[1]), _plain(match[2]).rstrip(), line)


def _plain(text: str) -> str:
    def meant(match: re.Match[str]) -> str:
        escaped = match[1]
        if len(escaped) == 5:
            return chr(int(escaped[1:], 16))
        return _SPECIAL.get(escaped, escaped)

    return _ESCAPE.sub(meant, text)
