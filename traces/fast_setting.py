"""What the fast handlers of one trace share."""

from collections.abc import Callable
from typing import TypeAlias

from iowitness.traces.call_shapes import Durations, LineShapes
from iowitness.traces.call_view import EntryNotes
from iowitness.traces.processes import Thread
from iowitness.traces.strace_world import World

Handler: TypeAlias = Callable[[bytes, int, int, EntryNotes | None], bool]
"""Takes a whole line, its number, the number of the line where it resumed (0 for a line in one
piece), and what was noted when it began. False: nothing was done, the line has another shape."""


class FastSetting:
    """The world, its threads by their text, and the shapes and units of the trace's times."""

    def __init__(self, world: World, fraction_digits: int) -> None:
        self.world = world
        self.shapes = LineShapes(fraction_digits)
        self.unit_ns = 1000 if fraction_digits == 6 else 1
        self.durations = Durations()
        self.threads = KnownThreads(world)


class KnownThreads(dict[bytes, Thread | None]):
    """The world's living threads by their text; None for those it has not met.

    The reader clears it whenever a thread starts or ends.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        world.thread_texts = self

    def __missing__(self, text: bytes) -> Thread | None:
        thread = self._world.threads.get(int(text))
        found = None if thread is None or thread.ended else thread
        if found is not None:
            found.shown = True
        self[text] = found
        return found
