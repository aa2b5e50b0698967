"""The scene: who is who at the moment of an event, as far as the history has told it so far.

One scene serves all contracts of a pass, and is brought up to date before they see an event.
"""

from dataclasses import dataclass, field

from iowitness.traces.events import (
    AnyEvent,
    Executed,
    File,
    IOEvent,
    Marked,
    Renamed,
    ThreadEnded,
    ThreadNamed,
    ThreadStarted,
)

THREAD_NAME_BYTE_COUNT = 15
"""What the kernel keeps of a thread's name. Source: prctl(2) PR_SET_NAME."""


@dataclass(slots=True)
class Scene:
    """Roles, programs, thread names and open phases; `root` is where relative globs begin.

    A forked child has its parent's role and program until it says otherwise, and a new thread has
    its maker's name, as in the kernel. `data_is_visible` says that buffers were kept,
    `ends_early`, known at the end only, that the source stopped before what it watched did.
    """

    root: str = ""
    data_is_visible: bool = False
    ends_early: bool = False
    open_phases: set[str] = field(default_factory=set)
    new_paths: dict[int, str] = field(default_factory=dict)
    _roles: dict[int, str] = field(default_factory=dict)
    _programs: dict[int, str] = field(default_factory=dict)
    _thread_names: dict[int, str] = field(default_factory=dict)
    _born: set[int] = field(default_factory=set)

    SEES = (Marked, ThreadStarted, ThreadNamed, ThreadEnded, Executed, Renamed)

    def see(self, event: AnyEvent) -> None:
        """Take in what one event says about who is who."""
        match event:
            case Marked():
                self._see_mark(event)
            case ThreadNamed():
                self._thread_names[event.thread_id] = event.name
                self._born.add(event.thread_id)
            case ThreadStarted(error=None):
                self._see_start(event)
            case Executed(error=None):
                program = event.path.rpartition("/")[2]
                self._programs[event.process_id] = program
                self._thread_names[event.thread_id] = program[:THREAD_NAME_BYTE_COUNT]
                self._born.add(event.thread_id)
            case ThreadEnded():
                self._see_end(event)
            case Renamed(error=None, file=File() as file):
                self.new_paths[file.file_id] = event.new_path
            case _:
                pass

    def _see_mark(self, event: Marked) -> None:
        if event.verb == "role":
            self._roles[event.process_id] = event.name
        elif event.verb == "begin":
            self.open_phases.add(event.name)
        else:
            self.open_phases.discard(event.name)

    def _see_start(self, event: ThreadStarted) -> None:
        # A child may have spoken before its maker's clone returned: what it said itself stays.
        child = event.started_thread_id
        self._born.add(child)
        if event.thread_id in self._thread_names:
            self._thread_names.setdefault(child, self._thread_names[event.thread_id])
        if event.started_process_id == event.process_id:
            return
        for known in (self._roles, self._programs):
            if event.process_id in known:
                known.setdefault(event.started_process_id, known[event.process_id])

    def _see_end(self, event: ThreadEnded) -> None:
        # Identifiers are used again: what is said of the dead must not stick to the next.
        self._thread_names.pop(event.thread_id, None)
        self._born.discard(event.thread_id)
        if event.whole_process:
            self._roles.pop(event.process_id, None)
            self._programs.pop(event.process_id, None)

    def role(self, process_id: int) -> str:
        """The role a process was given, empty for none."""
        return self._roles.get(process_id, "")

    def program(self, process_id: int) -> str:
        """The file name of the program that a process runs, empty where it was never seen."""
        return self._programs.get(process_id, "")

    def thread_name(self, thread_id: int) -> str:
        """The name of a thread, empty where it was never seen."""
        return self._thread_names.get(thread_id, "")

    def name_is_known(self, thread_id: int) -> bool:
        """Whether the history shows the thread's beginning or naming.

        A thread that was there before may have a name that nobody saw it take.
        """
        return thread_id in self._born

    def told(self, event: IOEvent) -> str:
        """The actor of an event in words: `producer, thread 4711 (python3)`."""
        role = self.role(event.process_id) or self.program(event.process_id)
        name = self.thread_name(event.thread_id)
        thread = f"thread {event.thread_id}{f' ({name})' if name else ''}"
        return f"{role}, {thread}" if role else thread
