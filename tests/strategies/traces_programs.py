"""Programs as a traced kernel would see them: drawn calls, what strace prints, what happened.

`Program` is a small kernel of its own: it knows files, positions, tables and threads, and for each
call yields the text that strace prints and the events that a reader must find. It shares nothing
with the reader under test but the events.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from iowitness.traces.events import (
    AnyEvent,
    Closed,
    File,
    Opened,
    Pipe,
    PipeOpened,
    Read,
    Received,
    Renamed,
    Resized,
    Sent,
    Socket,
    SocketOpened,
    Synced,
    ThreadStarted,
    Transferred,
    Unlinked,
    Written,
)

THREAD_FLAGS = "CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM"
NAMES = ("a", "b.log", "we ird", 'qu"ote', "com,ma", "a) = 3 <0.1>", "<unfinished ...>", "back\\s",
         "new\nline", "ünicode", "0")  # fmt: skip
ERRORS = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}


@dataclass(eq=False)
class Content:
    """A file: who it is, what it is called, and its bytes."""

    file: File
    path: str
    data: bytearray = field(default_factory=bytearray)
    unlinked: bool = False


@dataclass(eq=False)
class Description:
    """An open file description, or one end of a socket pair or a pipe."""

    content: Content | None = None
    channel: Socket | Pipe | None = None
    words: str = ""
    position: int = 0
    append: bool = False
    references: int = 0


@dataclass(eq=False)
class Task:
    """A process: its number and its table."""

    process_id: int
    table: dict[int, Description]


@dataclass
class DrawnCall:
    """A call of a thread: its text, the events once it has ended, and its effect."""

    thread_id: int
    name: str
    arguments: str
    result: str
    events: Callable[[dict[str, int]], list[AnyEvent]]


def escaped(data: bytes, stop: bytes = b"") -> str:
    r"""Bytes as strace prints them, octal where it must; `stop` are further bytes to escape."""
    out: list[str] = []
    for index, byte in enumerate(data):
        char = chr(byte)
        following = data[index + 1 : index + 2]
        if char in '"\\':
            out.append("\\" + char)
        elif char in "\n\t\r\f\v":
            out.append({"\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f", "\v": "\\v"}[char])
        elif 32 <= byte < 127 and byte not in stop:
            out.append(char)
        else:
            wide = following.isdigit() and following < b"8"
            out.append(f"\\{byte:03o}" if wide else f"\\{byte:o}")
    return "".join(out)


class Program:
    """The kernel's side of a drawn program; `decorated` is strace's -yy."""

    def __init__(self, *, decorated: bool, content_byte_count: int) -> None:
        self.decorated = decorated
        self.content_byte_count = content_byte_count
        self.tasks: dict[int, Task] = {100: Task(100, {})}
        self.names: dict[str, Content] = {}
        self.count = 0
        self.next_thread_id = 101

    def _id(self) -> int:
        self.count += 1
        return self.count

    def at(self, thread_id: int, call: str, moment: dict[str, int]) -> dict[str, object]:
        return {
            **moment,
            "process_id": self.tasks[thread_id].process_id,
            "thread_id": thread_id,
            "call": call,
        }

    def words(self, number: int, description: Description) -> str:
        """A descriptor as strace shows it."""
        if not self.decorated:
            return str(number)
        if description.content is not None:
            path = escaped(description.content.path.encode(), b"<>")
            return f"{number}<{path}>" + ("(deleted)" if description.content.unlinked else "")
        return f"{number}<{description.words}>"

    def string(self, data: bytes) -> str:
        shown = data[: self.content_byte_count]
        return f'"{escaped(shown)}"' + ("..." if len(shown) < len(data) else "")

    def kept(self, data: bytes, count: int) -> bytes:
        return data[: self.content_byte_count][:count]

    def free_number(self, thread_id: int) -> int:
        table = self.tasks[thread_id].table
        return next(number for number in range(3, 1000) if number not in table)

    def bind(self, thread_id: int, description: Description) -> int:
        number = self.free_number(thread_id)
        self.tasks[thread_id].table[number] = description
        description.references += 1
        return number

    # One function for each call: it has happened when the function returns.

    def open_file(self, thread_id: int, path: str, flags: tuple[str, ...]) -> DrawnCall:
        is_new = path not in self.names
        if is_new:
            flags = (*flags, "O_CREAT", "O_EXCL")
            self.names[path] = Content(File(self._id(), path), path)
        content = self.names[path]
        if "O_TRUNC" in flags:
            content.data.clear()
        size = len(content.data)
        description = Description(content, append="O_APPEND" in flags)
        number = self.bind(thread_id, description)
        shown = f'"{escaped(path.encode())}", {"|".join(("O_RDWR", *flags))}'
        mode = ", 0644" if is_new else ""
        return DrawnCall(
            thread_id,
            "openat",
            f"AT_FDCWD, {shown}{mode}",
            self.words(number, description),
            lambda moment: [
                Opened(
                    **self.at(thread_id, "openat", moment),
                    file=content.file,
                    descriptor=number,
                    access="read-write",
                    size_byte_count=size,
                    append=description.append,
                    created=is_new,
                    truncated="O_TRUNC" in flags,
                )
            ],
        )

    def write(self, thread_id: int, number: int, data: bytes, count: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        shown = f"{self.words(number, description)}, {self.string(data)}, {len(data)}"
        if content is None:
            return self._sent(thread_id, "write", shown, description, data, count)
        offset = len(content.data) if description.append else description.position
        self._store(content, offset, data[:count])
        if count:
            description.position = offset + count
        return DrawnCall(
            thread_id,
            "write",
            shown,
            str(count),
            lambda moment: [
                Written(
                    **self.at(thread_id, "write", moment),
                    file=content.file,
                    offset=offset,
                    byte_count=count,
                    requested_byte_count=len(data),
                    append=description.append,
                    data=self.kept(data, count),
                )
            ],
        )

    def _store(self, content: Content, offset: int, data: bytes) -> None:
        if data and len(content.data) < offset:
            content.data.extend(bytes(offset - len(content.data)))
        content.data[offset : offset + len(data)] = data

    def _sent(
        self, thread_id: int, name: str, shown: str, end: Description, data: bytes, count: int
    ) -> DrawnCall:
        channel = end.channel
        assert channel is not None
        return DrawnCall(
            thread_id,
            name,
            shown,
            str(count),
            lambda moment: [
                Sent(
                    **self.at(thread_id, name, moment),
                    channel=channel,
                    byte_count=count,
                    requested_byte_count=len(data),
                    data=self.kept(data, count),
                )
            ],
        )

    def write_failed(self, thread_id: int, number: int, data: bytes, error: str) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        offset = len(content.data) if description.append else description.position
        return DrawnCall(
            thread_id,
            "write",
            f"{self.words(number, description)}, {self.string(data)}, {len(data)}",
            f"-1 {error} ({ERRORS[error]})",
            lambda moment: [
                Written(
                    **self.at(thread_id, "write", moment),
                    error=error,
                    file=content.file,
                    offset=offset,
                    byte_count=0,
                    requested_byte_count=len(data),
                    append=description.append,
                )
            ],
        )

    def place(self, thread_id: int, number: int, offset: int, data: bytes) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        offset = len(content.data) if description.append else offset
        self._store(content, offset, data)
        return DrawnCall(
            thread_id,
            "pwrite64",
            f"{self.words(number, description)}, {self.string(data)}, {len(data)}, {offset}",
            str(len(data)),
            lambda moment: [
                Written(
                    **self.at(thread_id, "pwrite64", moment),
                    file=content.file,
                    offset=offset,
                    byte_count=len(data),
                    requested_byte_count=len(data),
                    append=description.append,
                    data=self.kept(data, len(data)),
                )
            ],
        )

    def gather(self, thread_id: int, number: int, parts: list[bytes]) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content = description.content
        assert content is not None
        offset = len(content.data) if description.append else description.position
        data = b"".join(parts)
        self._store(content, offset, data)
        if data:
            description.position = offset + len(data)
        shown = ", ".join(
            f"{{iov_base={self.string(each)}, iov_len={len(each)}}}" for each in parts
        )
        kept = b""
        for part in parts:
            kept += part[: self.content_byte_count]
            if len(part) > self.content_byte_count:
                break
        return DrawnCall(
            thread_id,
            "writev",
            f"{self.words(number, description)}, [{shown}], {len(parts)}",
            str(len(data)),
            lambda moment: [
                Written(
                    **self.at(thread_id, "writev", moment),
                    file=content.file,
                    offset=offset,
                    byte_count=len(data),
                    requested_byte_count=len(data),
                    append=description.append,
                    data=kept,
                )
            ],
        )

    def read(self, thread_id: int, number: int, requested: int, received: bytes) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        content, channel = description.content, description.channel
        if content is None:
            assert channel is not None
            data = received[:requested]
            return DrawnCall(
                thread_id,
                "read",
                f"{self.words(number, description)}, {self.string(data)}, {requested}",
                str(len(data)),
                lambda moment: [
                    Received(
                        **self.at(thread_id, "read", moment),
                        channel=channel,
                        byte_count=len(data),
                        requested_byte_count=requested,
                        data=self.kept(data, len(data)),
                    )
                ],
            )
        offset = description.position
        found = bytes(content.data[offset : offset + requested])
        description.position += len(found)
        return self._read(thread_id, "read", number, description, offset, found, requested, "")

    def fetch(self, thread_id: int, number: int, requested: int, offset: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        assert description.content is not None
        found = bytes(description.content.data[offset : offset + requested])
        return self._read(
            thread_id, "pread64", number, description, offset, found, requested, f", {offset}"
        )

    def _read(
        self,
        thread_id: int,
        name: str,
        number: int,
        description: Description,
        offset: int,
        data: bytes,
        requested: int,
        tail: str,
    ) -> DrawnCall:
        content = description.content
        assert content is not None
        return DrawnCall(
            thread_id,
            name,
            f"{self.words(number, description)}, {self.string(data)}, {requested}{tail}",
            str(len(data)),
            lambda moment: [
                Read(
                    **self.at(thread_id, name, moment),
                    file=content.file,
                    offset=offset,
                    byte_count=len(data),
                    requested_byte_count=requested,
                    data=self.kept(data, len(data)),
                )
            ],
        )

    def seek(self, thread_id: int, number: int, position: int) -> DrawnCall:
        description = self.tasks[thread_id].table[number]
        description.position = position
        shown = f"{self.words(number, description)}, {position}, SEEK_SET"
        return DrawnCall(thread_id, "lseek", shown, str(position), lambda _moment: [])

    def send_file(self, thread_id: int, out: int, number: int, count: int) -> DrawnCall:
        table = self.tasks[thread_id].table
        source, destination = table[number], table[out]
        content, channel = source.content, destination.channel
        assert content is not None
        assert channel is not None
        offset = source.position
        moved = max(0, min(count, len(content.data) - offset))
        source.position += moved
        return DrawnCall(
            thread_id,
            "sendfile",
            f"{self.words(out, destination)}, {self.words(number, source)}, NULL, {count}",
            str(moved),
            lambda moment: [
                Transferred(
                    **self.at(thread_id, "sendfile", moment),
                    source=content.file,
                    offset=offset,
                    destination=channel,
                    destination_offset=None,
                    byte_count=moved,
                    requested_byte_count=count,
                )
            ],
        )

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
