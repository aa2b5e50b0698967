"""Descriptors: number → opening → file, socket or pipe, as the kernel keeps them.

Three levels, as in open(2): a *descriptor* is a number in a process's table, with close-on-exec; an
*opening* is what open made, with position and O_APPEND, shared by dup and fork; behind it is the
file. What was open before the trace began is *not seen*: its position is unknown, not zero, until
a call tells it.
"""

from typing import Literal

from msgspec import Struct

from iowitness.traces.events import Endpoint
from iowitness.traces.file_names import FileNode

OpeningKind = Literal["file", "socket", "pipe", "counter", "other", "unknown"]


class Opening(Struct, eq=False):
    """An open file description.

    `endpoint` is None for what carries no payload (`counter`, `other`) and for a bare number that
    nothing explained (`unknown`). `position` is None where unknown or without meaning.
    `read_up_to` is where the last read that returned bytes ended: a read of 0 bytes there shows the
    file's size.
    """

    kind: OpeningKind
    endpoint: Endpoint | None = None
    node: FileNode | None = None
    position: int | None = None
    append: bool = False
    seen: bool = True
    references: int = 0
    read_up_to: int | None = None

    def move(self, position: int | None) -> None:
        """Set the position; an opening that was not seen may take others of its file along."""
        self.position = position
        if not self.seen and self.node is not None:
            for other in self.node.not_seen:
                if other is not self:
                    other.position = None


class Descriptor(Struct, eq=False):
    """A number in a table. `texts` are the spellings by which the trace has shown it."""

    number: int
    opening: Opening
    close_on_exec: bool = False
    texts: list[bytes] = []


class DescriptorTable:
    """The descriptors of one process, or of several that share them (CLONE_FILES).

    `by_text` leads from the trace's own words (`7</path>`) straight to the descriptor, which saves
    taking them apart on each of a hundred thousand lines; whatever changes a number's meaning
    forgets its words.
    """

    __slots__ = ("by_text", "descriptors")

    def __init__(self) -> None:
        self.descriptors: dict[int, Descriptor] = {}
        self.by_text: dict[bytes, Descriptor] = {}

    def bind(
        self, number: int, opening: Opening, *, close_on_exec: bool, text: bytes = b""
    ) -> Descriptor | None:
        """Let a number stand for an opening; the descriptor that it replaced, if any.

        `text` is how the trace spelled it when it came to be, empty where it did not.
        """
        replaced = self.unbind(number) if number in self.descriptors else None
        opening.references += 1
        if text:
            descriptor = Descriptor(number, opening, close_on_exec, [text])
            self.by_text[text] = descriptor
        else:
            descriptor = Descriptor(number, opening, close_on_exec)
        self.descriptors[number] = descriptor
        return replaced

    def unbind(self, number: int) -> Descriptor | None:
        """Take a number away; what it stood for."""
        found = self.descriptors.pop(number, None)
        if found is not None:
            found.opening.references -= 1
            for text in found.texts:
                self.by_text.pop(text, None)
        return found

    def spelled(self, descriptor: Descriptor, text: bytes) -> None:
        """Remember a spelling of a descriptor."""
        descriptor.texts.append(text)
        self.by_text[text] = descriptor

    def copy(self) -> "DescriptorTable":
        """The table of a forked child: numbers of its own, openings shared."""
        child = DescriptorTable()
        for number, descriptor in self.descriptors.items():
            child.bind(number, descriptor.opening, close_on_exec=descriptor.close_on_exec)
            for text in descriptor.texts:
                child.spelled(child.descriptors[number], text)
        return child

    def closed_by_exec(self) -> list[Descriptor]:
        """Unbind what exec closes, and give it out."""
        gone = [found for found in self.descriptors.values() if found.close_on_exec]
        for descriptor in gone:
            self.unbind(descriptor.number)
        return gone

    def all_closed(self) -> list[Descriptor]:
        """Unbind everything, and give it out."""
        gone = list(self.descriptors.values())
        for descriptor in gone:
            self.unbind(descriptor.number)
        return gone
