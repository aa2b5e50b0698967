"""Programs as a traced kernel would see them: drawn calls, what strace prints, what happened.

`Program` is a small kernel of its own: it knows files, positions, tables and threads, and for each
call yields the text that strace prints and the events that a reader must find. It shares nothing
with the reader under test but the events.
"""

from iowitness.traces.events import (
    Closed,
    Pipe,
    PipeOpened,
    Renamed,
    Resized,
    Socket,
    SocketOpened,
    Synced,
    ThreadStarted,
    Unlinked,
)
from tests.strategies.traces_kernel import THREAD_FLAGS, Description, DrawnCall, Task, escaped
from tests.strategies.traces_moving_calls import MovingCalls


class Program(MovingCalls):
    """A drawn program: all of its calls."""

    def duplicate(self, thread_id: int, number: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        shown = self.words(number, description)
        copy = self.bind(thread_id, description)
        result = self.words(copy, description)
        return DrawnCall(thread_id, "dup", shown, result, lambda _moment: [])

    def close(self, thread_id: int, number: int) -> DrawnCall:
        description = self.tasks[thread_id].table.pop(number)
        shown = self.words(number, description)
        description.references -= 1
        is_last = description.references == 0
        endpoint = description.channel if description.content is None else description.content.file
        return DrawnCall(
            thread_id,
            "close",
            shown,
            "0",
            lambda moment: [
                Closed(
                    **self.at(thread_id, "close", moment),
                    endpoint=endpoint,
                    descriptor=number,
                    last=is_last,
                )
            ],
        )

    def sync(self, thread_id: int, number: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        return DrawnCall(
            thread_id,
            "fdatasync",
            self.words(number, description),
            "0",
            lambda moment: [
                Synced(**self.at(thread_id, "fdatasync", moment), file=content.file, scope="data")
            ],
        )

    def truncate(self, thread_id: int, number: int, size: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        content.data[:] = content.data[:size].ljust(size, b"\0")
        return DrawnCall(
            thread_id,
            "ftruncate",
            f"{self.words(number, description)}, {size}",
            "0",
            lambda moment: [
                Resized(
                    **self.at(thread_id, "ftruncate", moment),
                    file=content.file,
                    size_byte_count=size,
                )
            ],
        )

    def rename(self, thread_id: int, old: str, new: str) -> DrawnCall:
        moved = self.names.pop(old)
        replaced = self.names.pop(new, None)
        if replaced is not None:
            replaced.unlinked = True
        moved.path = new
        self.names[new] = moved
        return DrawnCall(
            thread_id,
            "rename",
            f'"{escaped(old.encode())}", "{escaped(new.encode())}"',
            "0",
            lambda moment: [
                Renamed(
                    **self.at(thread_id, "rename", moment),
                    file=moved.file,
                    old_path=old,
                    new_path=new,
                    replaced=None if replaced is None else replaced.file,
                )
            ],
        )

    def unlink(self, thread_id: int, path: str) -> DrawnCall:
        gone = self.names.pop(path)
        gone.unlinked = True
        return DrawnCall(
            thread_id,
            "unlink",
            f'"{escaped(path.encode())}"',
            "0",
            lambda moment: [
                Unlinked(**self.at(thread_id, "unlink", moment), file=gone.file, path=path)
            ],
        )

    def socket_pair(self, thread_id: int) -> DrawnCall:
        ends: list[tuple[int, Description]] = []
        first, second = self._id() + 5000, self._id() + 5000
        for own, peer in ((first, second), (second, first)):
            family, local, remote = "UNIX-STREAM", "", ""
            if self.decorated:
                local, remote = str(own), str(peer)
            socket = Socket(own, family, local, remote)
            description = Description(channel=socket, words=f"UNIX-STREAM:[{own}->{peer}]")
            ends.append((self.bind(thread_id, description), description))
        shown = ", ".join(self.words(number, description) for number, description in ends)
        return DrawnCall(
            thread_id,
            "socketpair",
            f"AF_UNIX, SOCK_STREAM, 0, [{shown}]",
            "0",
            lambda moment: [
                SocketOpened(
                    **self.at(thread_id, "socketpair", moment),
                    socket=description.channel,
                    descriptor=number,
                )
                for number, description in ends
            ],
        )

    def pipe(self, thread_id: int) -> DrawnCall:
        made = Pipe(self._id())
        ends = [Description(channel=made, words=f"pipe:[{made.pipe_id}]") for _ in range(2)]
        numbers = [self.bind(thread_id, end) for end in ends]
        shown = ", ".join(self.words(*pair) for pair in zip(numbers, ends, strict=True))
        return DrawnCall(
            thread_id,
            "pipe2",
            f"[{shown}], 0",
            "0",
            lambda moment: [
                PipeOpened(
                    **self.at(thread_id, "pipe2", moment),
                    pipe=made,
                    read_descriptor=numbers[0],
                    write_descriptor=numbers[1],
                )
            ],
        )

    def start_thread(self, thread_id: int) -> DrawnCall:
        parent, child_id = self.tasks[thread_id], self.next_thread_id
        self.next_thread_id += 1
        self.tasks[child_id] = parent
        return self._started(
            thread_id,
            "clone3",
            f"{{flags={THREAD_FLAGS}, exit_signal=0}} => {{parent_tid=[{child_id}]}}, 88",
            child_id,
            parent.process_id,
        )

    def fork(self, thread_id: int) -> DrawnCall:
        child_id = self.next_thread_id
        self.next_thread_id += 1
        table = dict(self.tasks[thread_id].table)
        for description in table.values():
            description.references += 1
        self.tasks[child_id] = Task(child_id, table)
        return self._started(
            thread_id, "clone", "child_stack=NULL, flags=SIGCHLD", child_id, child_id
        )

    def _started(
        self, thread_id: int, name: str, arguments: str, child_id: int, process_id: int
    ) -> DrawnCall:
        return DrawnCall(
            thread_id,
            name,
            arguments,
            str(child_id),
            lambda moment: [
                ThreadStarted(
                    **self.at(thread_id, name, moment),
                    started_thread_id=child_id,
                    started_process_id=process_id,
                )
            ],
        )
