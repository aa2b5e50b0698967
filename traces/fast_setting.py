"""What the fast handlers of one trace share."""

from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from iowitness.traces.call_shapes import FIRST_UNIX_S, HEAD, SECOND_NS, ended
from iowitness.traces.call_view import EntryNotes
from iowitness.traces.processes import Thread
from iowitness.traces.strace_world import World

Handler: TypeAlias = Callable[[Thread, int, bytes, int, int, EntryNotes | None], bool]
"""Takes the thread, when the call began, its text behind the opening bracket, its line, the line
where it resumed (0 for a call in one piece), and what was noted when it began. False: nothing was
done, the text has another shape."""

ValueT = TypeVar("ValueT")

_MOST_REMEMBERED = 1 << 15


class Remembered(Generic[ValueT]):
    """What pieces of text mean that come again and again, each read once; bounded.

    Look into `known` first, and `learn` what is not there. `meaning` says None for what is no such
    piece. It is no subclass of dict with `__missing__`: CPython 3.11 takes three times as long to
    look into that.
    """

    __slots__ = ("_meaning", "known")

    def __init__(self, meaning: Callable[[bytes], ValueT | None]) -> None:
        self.known: dict[bytes, ValueT] = {}
        self._meaning = meaning

    def learn(self, text: bytes) -> ValueT | None:
        """What a text means that was not known."""
        found = self._meaning(text)
        if found is not None:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[text] = found
        return found


class FastSetting:
    """The world, its threads by the beginnings of their lines, and the units of the trace's times.

    `duration_width` is how many characters a duration below 10 s takes, its bracket included.
    """

    def __init__(self, world: World, fraction_digits: int) -> None:
        self.world = world
        self.fraction_digits = fraction_digits
        self.duration_width = fraction_digits + 3
        self.ended = Remembered(ended)
        self.heads = _heads(world)


def _heads(world: World) -> Remembered[tuple[Thread, int]]:
    """Beginnings of lines up to a time's point: the thread and the second before, in nanoseconds.

    The reader forgets them whenever a thread starts or ends.
    """

    def meaning(text: bytes) -> tuple[Thread, int] | None:
        head = HEAD.fullmatch(text)
        if head is None or int(head[2]) < FIRST_UNIX_S:
            return None
        thread = world.threads.get(int(head[1]))
        if thread is None or thread.ended:
            return None
        thread.shown = True
        return thread, (int(head[2]) - 1) * SECOND_NS

    heads = Remembered(meaning)
    world.thread_heads = heads.known
    return heads
