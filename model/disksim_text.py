"""DiskSim's parameter text as a tree: blocks of `key = value`, lists, words and numbers.

Read are `.model`, `.diskspecs` and `.parv` files: top-level blocks `type name { ... }`, `source
FILE`, `instantiate [...] as TYPE` and `topology ...`; keys may have spaces, dots and brackets in
them; `#` begins a comment; commas between entries may be missing or one too many.
Source: the DiskSim 4.0 reference manual, section 3 (the format of libparam).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = "float | str | list[Value] | Block"
Opener: TypeAlias = Callable[[str], str]
"""Gives the text of a file that another one names by `source`."""


class DriveFileError(Exception):
    """A drive's file says something that cannot be used, with its file and line."""


@dataclass(slots=True)
class Block:
    """One block: its type, its name (empty where it has none), its entries, and where it stands."""

    kind: str
    name: str
    place: str
    entries: dict[str, Value] = field(default_factory=dict)

    def number(self, key: str, default: float | None = None) -> float:
        """A number of the block; `default` where the key is missing and a default is given."""
        value = self.entries.get(key, default)
        if not isinstance(value, float):
            raise DriveFileError(f"{self.place}: {self.kind}: {key}={value!r}, expected a number")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number of the block."""
        value = self.number(key, None if default is None else float(default))
        if value != int(value):
            raise DriveFileError(f"{self.place}: {self.kind}: {key}={value}, expected an integer")
        return int(value)

    def word(self, key: str, default: str | None = None) -> str:
        """A word of the block."""
        value = self.entries.get(key, default)
        if not isinstance(value, str):
            raise DriveFileError(f"{self.place}: {self.kind}: {key}={value!r}, expected a word")
        return value

    def block(self, key: str) -> "Block":
        """A block within the block."""
        value = self.entries.get(key)
        if not isinstance(value, Block):
            raise DriveFileError(f"{self.place}: {self.kind}: {key}={value!r}, expected a block")
        return value

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of numbers; empty where the key is missing."""
        value = self.entries.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, float) for one in value):
            raise DriveFileError(f"{self.place}: {self.kind}: {key}={value!r}, expected numbers")
        return tuple(one for one in value if isinstance(one, float))

    def blocks(self, key: str) -> tuple["Block", ...]:
        """A list of blocks."""
        value = self.entries.get(key)
        if not isinstance(value, list) or not all(isinstance(one, Block) for one in value):
            raise DriveFileError(f"{self.place}: {self.kind}: {key}={value!r}, expected blocks")
        return tuple(one for one in value if isinstance(one, Block))


def read_blocks(file_name: str, opener: Opener) -> list[Block]:
    """The top-level blocks of a file and of those that it sources, in order."""
    return list(_Reader(file_name, opener).statements())


_COMMENT = re.compile(r"#[^\n]*")
_WORD = re.compile(r'"[^"\n]*"|[^\s,={}\[\]]+')
_SEPARATORS = re.compile(r"[\s,;]*")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


class _Reader:
    """Recursive descent over one file's text."""

    def __init__(self, file_name: str, opener: Opener) -> None:
        self._file_name = file_name
        self._opener = opener
        # Comments become blanks, so that places stay what they are.
        self._text = _COMMENT.sub(lambda found: " " * len(found.group()), opener(file_name))
        self._at = 0

    def statements(self) -> Iterator[Block]:
        """Every statement of the file that is, or sources, a block."""
        while self._peek():
            word = self._word()
            if word == "source":
                yield from read_blocks(self._word(), self._opener)
            elif word == "instantiate":
                self._list()
                self._expect_word("as")
                self._word()
            elif word == "topology":
                self._topology()
            else:
                yield self._block(word)

    def _topology(self) -> None:
        self._word()
        self._word()
        depth = 0
        while True:
            character = self._peek()
            if not character:
                raise self._error("expected ] before the file's end")
            self._at += 1
            depth += (character == "[") - (character == "]")
            if depth == 0:
                return

    def _block(self, kind: str) -> Block:
        """A block whose type was just read."""
        place = self._place()
        name = "" if self._peek() == "{" else self._word()
        self._expect("{")
        block = Block(kind, name, place)
        while self._peek() != "}":
            key = self._key()
            block.entries[key] = self._value()
        self._expect("}")
        return block

    def _key(self) -> str:
        end = self._text.find("=", self._at)
        key = " ".join(self._text[self._at : end].split())
        if end < 0 or any(character in key for character in "{}[]"):
            raise self._error(f"found {key[:40]!r}, expected KEY = VALUE")
        self._at = end + 1
        return key

    def _value(self) -> Value:
        if self._peek() == "[":
            return self._list()
        word = self._word()
        if word == "source":
            return self._sourced(self._word())
        if _NUMBER.fullmatch(word):
            return float(word)
        if self._is_block_ahead():
            return self._block(word)
        return word.strip('"')

    def _sourced(self, file_name: str) -> Value:
        blocks = read_blocks(file_name, self._opener)
        if len(blocks) != 1:
            raise self._error(f"{file_name} has {len(blocks)} blocks, expected 1")
        return blocks[0]

    def _is_block_ahead(self) -> bool:
        """True if what follows is `{`, or a name and `{`, on the way to no comma."""
        rest = re.compile(r"\s*([^\s,={}\[\]]+\s*)?\{").match(self._text, self._at)
        return rest is not None

    def _list(self) -> list[Value]:
        self._expect("[")
        values: list[Value] = []
        while self._peek() != "]":
            values.append(self._value())
        self._expect("]")
        return values

    def _peek(self) -> str:
        """The next character that matters; empty at the end."""
        found = _SEPARATORS.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._text[self._at : self._at + 1]

    def _word(self) -> str:
        self._peek()
        found = _WORD.match(self._text, self._at)
        if found is None:
            raise self._error(f"found {self._text[self._at : self._at + 10]!r}, expected a word")
        self._at = found.end()
        return found.group()

    def _expect_word(self, word: str) -> None:
        if self._word() != word:
            raise self._error(f"expected {word!r}")

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            found = self._text[self._at : self._at + 10]
            raise self._error(f"found {found!r}, expected {character!r}")
        self._at += 1

    def _place(self) -> str:
        return f"{self._file_name}:{self._text.count(chr(10), 0, self._at) + 1}"

    def _error(self, message: str) -> DriveFileError:
        return DriveFileError(f"{self._place()}: {message}")
