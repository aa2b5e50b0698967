"""What a small kernel knows of a drawn program: files, positions, tables and threads.

It shares nothing with the reader under test but the events.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from iowitness.traces.events import AnyEvent, File, Pipe, Socket

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


class Kernel:
    """What a drawn program's kernel knows; `decorated` is strace's -yy."""

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
