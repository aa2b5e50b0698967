"""The pen of the simulation: hands out identities and keeps the predicted events in order."""

from itertools import count

from iowitness.traces.events import (
    AnyEvent,
    File,
    Marked,
    Socket,
    ThreadEnded,
    ThreadNamed,
    ThreadStarted,
)
from iowitness.traces.history import History, Provenance

_FIRST_PROCESS_ID = 1_000


class Thread:
    """A thread of the simulated run; `role` is what its process is.

    `node` is the memory node that it runs on, `paused_ns` when it was last slowed down as a writer.
    """

    __slots__ = ("node", "paused_ns", "process_id", "role", "thread_id")

    def __init__(self, process_id: int, thread_id: int, role: str) -> None:
        self.process_id = process_id
        self.thread_id = thread_id
        self.role = role
        self.node = 0
        self.paused_ns = 0


class Recorder:
    """Events in order of completion; ids count up, so that equal runs have equal ids."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self._task_ids = count(_FIRST_PROCESS_ID)
        self._file_ids = count(1)
        self._socket_ids = count(1)
        self._files: dict[str, File] = {}

    def add(self, event: AnyEvent) -> None:
        """Keep an event; it has just completed."""
        self.events.append(event)

    def file(self, path: str) -> File:
        """The file of that path, the same one each time."""
        if path not in self._files:
            self._files[path] = File(next(self._file_ids), path)
        return self._files[path]

    def socket(self, local: str, remote: str) -> Socket:
        """A new end of a connection."""
        return Socket(next(self._socket_ids), "TCP", local, remote)

    def process(self, role: str, parent: Thread | None, now_ns: int) -> Thread:
        """A new process with its first thread, which at once says what it is."""
        task_id = next(self._task_ids)
        thread = Thread(task_id, task_id, role)
        if parent is not None:
            self._started(parent, task_id, task_id, now_ns)
        self.mark(thread, "role", role, now_ns)
        return thread

    def thread(self, parent: Thread, name: str, now_ns: int) -> Thread:
        """A further thread of a process, with its name."""
        task_id = next(self._task_ids)
        self._started(parent, task_id, parent.process_id, now_ns)
        thread = Thread(parent.process_id, task_id, parent.role)
        self.name(thread, name, now_ns)
        return thread

    def name(self, thread: Thread, name: str, now_ns: int) -> None:
        """A thread takes a name."""
        self.add(
            ThreadNamed(
                start_ns=now_ns,
                end_ns=now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="prctl",
                name=name,
            )
        )

    def ended(self, thread: Thread, now_ns: int) -> None:
        """A process ended well."""
        self.add(
            ThreadEnded(
                start_ns=now_ns,
                end_ns=now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="exit_group",
                whole_process=True,
                status=0,
            )
        )

    def mark(self, thread: Thread, verb: str, name: str, now_ns: int) -> None:
        """A mark of the workload, as the real run leaves it."""
        assert verb in ("begin", "end", "role")
        self.add(
            Marked(
                start_ns=now_ns,
                end_ns=now_ns,
                process_id=thread.process_id,
                thread_id=thread.thread_id,
                call="write",
                error="EBADF",
                verb=verb,  # type: ignore[arg-type]  # narrowed by the assert above
                name=name,
            )
        )

    def history(self, program: tuple[str, ...], notes: tuple[str, ...]) -> History:
        """All that happened, as a prediction."""
        provenance = Provenance(
            source="simulation", program=program, tool="iowitness model", notes=notes
        )
        return History(events=tuple(self.events), provenance=provenance)

    def _started(self, parent: Thread, task_id: int, process_id: int, now_ns: int) -> None:
        self.add(
            ThreadStarted(
                start_ns=now_ns,
                end_ns=now_ns,
                process_id=parent.process_id,
                thread_id=parent.thread_id,
                call="clone",
                started_thread_id=task_id,
                started_process_id=process_id,
            )
        )
