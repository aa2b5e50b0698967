"""Patterns: file globs, word globs and port ranges, compiled once and remembered by what they met.

`*` and `?` stay within one folder, `**/` crosses any number of them, `[abc]` and `[!abc]` are sets.
A pattern that begins with `/` is held against the whole path. Any other is held against the path
below the root where there is one, and against every tail of the path where there is none.
"""

import re
from collections.abc import Iterable

PORT_PATTERN = r"\d{1,5}(-\d{1,5})?"
"""A port or an inclusive range of ports, `9092` or `9092-9099`."""


def _expression(pattern: str) -> str:
    """The regular expression of one glob; `re.error` cannot happen, a stray `[` means itself."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            parts.append("(?:.*/)?")
            position += 3
        elif pattern.startswith("**", position):
            parts.append(".*")
            position += 2
        else:
            part, position = _one_folder_part(pattern, position)
            parts.append(part)
    return "".join(parts)


def _one_folder_part(pattern: str, position: int) -> tuple[str, int]:
    letter = pattern[position]
    if letter == "*":
        return "[^/]*", position + 1
    if letter == "?":
        return "[^/]", position + 1
    end = pattern.find("]", position + 2) if letter == "[" else -1
    if end > 0:
        inside = pattern[position + 1 : end].replace("\\", "\\\\")
        negated = inside.startswith("!")
        body = inside[1:] if negated else inside.replace("^", "\\^", 1)
        return f"[{'^' if negated else ''}{body}]", end + 1
    return re.escape(letter), position + 1


class PathGlobs:
    """Whether a path fits one of several globs; `root` is where relative patterns begin."""

    __slots__ = ("_expression", "_known")

    def __init__(self, patterns: Iterable[str], root: str = "") -> None:
        below = re.escape(root.rstrip("/") + "/") if root else "(?:.*/)?"
        alternatives = (
            _expression(p) if p.startswith("/") else below + _expression(p) for p in patterns
        )
        self._expression = re.compile("|".join(alternatives) or r"(?!)", re.DOTALL)
        self._known: dict[str, bool] = {}

    def fit(self, path: str) -> bool:
        """True if one of the globs fits the whole path."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._expression.fullmatch(path) is not None
        return known


class WordGlobs:
    """Whether a name (role, thread, phase, program) fits one of several globs."""

    __slots__ = ("_expression", "_known")

    def __init__(self, patterns: Iterable[str]) -> None:
        # In a name `/` is a letter like any other: the kernel calls threads `kworker/0:1`.
        alternatives = (_expression(p).replace("[^/]", ".") for p in patterns)
        self._expression = re.compile("|".join(alternatives) or r"(?!)", re.DOTALL)
        self._known: dict[str, bool] = {}

    def fit(self, word: str) -> bool:
        """True if one of the globs fits the whole name."""
        known = self._known.get(word)
        if known is None:
            known = self._known[word] = self._expression.fullmatch(word) is not None
        return known


class PortRanges:
    """Whether an address ends in one of several ports; without patterns every address does."""

    __slots__ = ("_ranges",)

    def __init__(self, patterns: Iterable[str]) -> None:
        bounds = (pattern.partition("-") for pattern in patterns)
        self._ranges = tuple(range(int(low), int(high or low) + 1) for low, _, high in bounds)

    def fit(self, address: str) -> bool:
        """True if the address's port lies in one of the ranges."""
        if not self._ranges:
            return True
        port = address.rpartition(":")[2]
        return port.isdecimal() and any(int(port) in one for one in self._ranges)
