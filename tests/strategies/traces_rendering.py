"""Drawn traces: a drawn program's calls as strace's lines, some cut in two, and its events."""

from dataclasses import dataclass

from hypothesis import strategies as st
from msgspec import structs

from iowitness.traces.events import AnyEvent, File, Pipe, Socket
from tests.strategies.traces_kernel import ERRORS, NAMES, DrawnCall
from tests.strategies.traces_programs import Program

MOVABLE = frozenset({"read", "write", "pread64", "pwrite64", "writev", "lseek", "fdatasync",
                     "sendfile"})  # fmt: skip
"""Calls that may begin before others end: these change no names and no tables."""

DATA = st.binary(max_size=40)
PATHS = [f"/d/{name}" for name in NAMES]


@dataclass(frozen=True)
class DrawnTrace:
    """Lines as strace writes them, and the events that they tell of."""

    lines: tuple[bytes, ...]
    events: tuple[AnyEvent, ...]

    def __repr__(self) -> str:
        return "\n".join(line.decode() for line in self.lines)


@dataclass(frozen=True)
class Form:
    """How the lines look: `-yy`, the precision of `-ttt` (0 for no times), `-s`."""

    decorated: bool
    fraction_digits: int
    content_byte_count: int


FORMS = st.builds(
    Form,
    decorated=st.booleans(),
    fraction_digits=st.sampled_from([6, 6, 9, 0, 3]),
    content_byte_count=st.sampled_from([8, 32, 100]),
)


SMALL = st.integers(0, 60)


def _file_call(
    draw: st.DrawFn, program: Program, thread_id: int, choice: str, number: int
) -> DrawnCall:
    """A call about an open file."""
    match choice:
        case "write":
            data = draw(DATA)
            return program.write(thread_id, number, data, draw(st.integers(0, len(data))))
        case "fail":
            error = draw(st.sampled_from(sorted(ERRORS)))
            return program.write_failed(thread_id, number, draw(DATA), error)
        case "read":
            return program.read(thread_id, number, draw(SMALL), draw(DATA))
        case "pwrite":
            return program.place(thread_id, number, draw(SMALL), draw(DATA))
        case "pread":
            return program.fetch(thread_id, number, draw(SMALL), draw(SMALL))
        case "writev":
            return program.gather(thread_id, number, draw(st.lists(DATA, min_size=1, max_size=3)))
        case "seek":
            return program.seek(thread_id, number, draw(SMALL))
        case "sync":
            return program.sync(thread_id, number)
        case "truncate":
            return program.truncate(thread_id, number, draw(SMALL))
        case "dup":
            return program.duplicate(thread_id, number)
        case _:
            return program.close(thread_id, number)


def _name_call(draw: st.DrawFn, program: Program, thread_id: int, choice: str) -> DrawnCall:
    """A call about the name of a file."""
    if choice == "open":
        flags = draw(st.sampled_from([(), ("O_TRUNC",), ("O_APPEND",)]))
        return program.open_file(thread_id, draw(st.sampled_from(PATHS)), flags)
    name = draw(st.sampled_from(sorted(program.names)))
    if choice == "unlink":
        return program.unlink(thread_id, name)
    new = draw(st.sampled_from([path for path in PATHS if path != name]))
    return program.rename(thread_id, name, new)


def _channel_call(
    draw: st.DrawFn, program: Program, thread_id: int, choice: str, files: list[int], channel: int
) -> DrawnCall:
    """A call about a socket or pipe."""
    if choice == "sendfile":
        return program.send_file(thread_id, channel, draw(st.sampled_from(files)), draw(SMALL))
    if choice == "send":
        data = draw(DATA)
        return program.write(thread_id, channel, data, draw(st.integers(0, len(data))))
    if choice == "receive":
        return program.read(thread_id, channel, draw(SMALL), draw(DATA))
    return program.close(thread_id, channel)


FILE_CHOICES = ("write", "write", "read", "pwrite", "pread", "writev", "seek", "sync", "truncate",
                "fail", "dup", "close")  # fmt: skip


def _call(draw: st.DrawFn, program: Program, thread_id: int) -> DrawnCall:
    """A call of the thread, one of those that make sense now."""
    table = program.tasks[thread_id].table
    files = sorted(number for number, each in table.items() if each.content is not None)
    channels = sorted(number for number, each in table.items() if each.channel is not None)
    names = ["open", "open"] + ["rename", "unlink"] * bool(program.names)
    of_channels = ["send", "receive", "shut"] * bool(channels)
    of_channels += ["sendfile"] * bool(files and channels)
    others = {
        "socketpair": program.socket_pair,
        "pipe": program.pipe,
        "thread": program.start_thread,
        "fork": program.fork,
    }
    choices = [*names, *of_channels, *(FILE_CHOICES * bool(files)), "socketpair", "pipe"]
    choices += ["thread", "fork"] * (len(program.tasks) < 4)
    choice = draw(st.sampled_from(choices))
    if choice in names:
        return _name_call(draw, program, thread_id, choice)
    if choice in of_channels:
        channel = draw(st.sampled_from(channels))
        return _channel_call(draw, program, thread_id, choice, files, channel)
    if choice in others:
        return others[choice](thread_id)
    return _file_call(draw, program, thread_id, choice, draw(st.sampled_from(files)))


def places_to_cut(arguments: str) -> list[int]:
    """Where strace may stop in a call: before, between and behind arguments."""
    places, quoted, depth = [0], False, 0
    for index, char in enumerate(arguments):
        if char == '"' and not _is_escaped(arguments, index):
            quoted = not quoted
        elif not quoted:
            depth += (char in "[{") - (char in "]}")
            if depth == 0 and arguments[index : index + 2] == ", ":
                places.append(index + 2)
    return [*places, len(arguments)]


def _is_escaped(text: str, index: int) -> bool:
    before = text[:index]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


@st.composite
def traces(draw: st.DrawFn, forms: st.SearchStrategy[Form] = FORMS) -> DrawnTrace:
    """Traces of up to forty calls by up to four threads."""
    form = draw(forms)
    program = Program(decorated=form.decorated, content_byte_count=form.content_byte_count)
    calls: list[DrawnCall] = []
    for _ in range(draw(st.integers(1, 40))):
        thread_id = draw(st.sampled_from(sorted(program.tasks)))
        calls.append(_call(draw, program, thread_id))
    return _rendered(draw, calls, form)


def _begins(draw: st.DrawFn, calls: list[DrawnCall]) -> dict[int, int]:
    """For the calls that are cut in two: before which call the first part stands."""
    begins: dict[int, int] = {}
    for index, call in enumerate(calls):
        earliest = index
        while (
            earliest > 0
            and calls[earliest - 1].thread_id != call.thread_id
            and calls[earliest - 1].name in MOVABLE
            and call.name != "close"
        ):
            earliest -= 1
        begin = draw(st.integers(earliest, index))
        if begin < index or draw(st.integers(0, 9)) == 0:
            begins[index] = begin
    return begins


def _rendered(draw: st.DrawFn, calls: list[DrawnCall], form: Form) -> DrawnTrace:
    begins = _begins(draw, calls)
    order: list[tuple[int, str]] = []
    for index in range(len(calls)):
        order += [(later, "begin") for later, begin in begins.items() if begin == index]
        order.append((index, "end" if index in begins else "whole"))
    unit_ns = 10 ** (9 - form.fraction_digits) if form.fraction_digits else 1
    lines: list[bytes] = []
    events: list[AnyEvent] = []
    started: dict[int, tuple[int, int, int]] = {}
    now_ns = 1_700_000_000_000_000_000 if form.fraction_digits else 0
    for number, (index, part) in enumerate(order, start=1):
        call = calls[index]
        now_ns = now_ns + unit_ns * draw(st.integers(0, 50)) if form.fraction_digits else number
        head = f"{call.thread_id} {_clock(now_ns, form)}"
        if part == "begin":
            cut = draw(st.sampled_from(places_to_cut(call.arguments)))
            started[index] = (now_ns, number, cut)
            lines.append(f"{head}{call.name}({call.arguments[:cut]} <unfinished ...>".encode())
            continue
        start_ns, line, cut = started.get(index, (now_ns, number, 0))
        took_ns = now_ns - start_ns
        if part == "whole" and form.fraction_digits:
            took_ns = unit_ns * draw(st.integers(0, 3))
        took = f" <{_seconds(took_ns, form)}>" if form.fraction_digits else ""
        text = f"{call.arguments[cut:]}) = {call.result}{took}"
        name = f"{call.name}(" if part == "whole" else f"<... {call.name} resumed>"
        lines.append(f"{head}{name}{text}".encode())
        moment = {
            "start_ns": start_ns,
            "end_ns": start_ns + took_ns,
            "line": line,
            "resumed_line": number if part == "end" else 0,
        }
        events += call.events(moment)
    return DrawnTrace(tuple(lines), tuple(events))


def _clock(now_ns: int, form: Form) -> str:
    return f"{_seconds(now_ns, form)} " if form.fraction_digits else ""


def _seconds(ns: int, form: Form) -> str:
    return f"{ns // 10**9}.{ns % 10**9:09d}"[: form.fraction_digits - 9 or None]


def with_plain_ids(events: tuple[AnyEvent, ...] | list[AnyEvent]) -> list[AnyEvent]:
    """The events with ids that count from 1 in the order of appearance, to compare by value."""
    known: dict[tuple[type, int], int] = {}

    def plain(value: object) -> object:
        if isinstance(value, File):
            key = (File, value.file_id)
            return structs.replace(value, file_id=known.setdefault(key, len(known) + 1))
        if isinstance(value, Socket):
            key = (Socket, value.socket_id)
            return structs.replace(value, socket_id=known.setdefault(key, len(known) + 1))
        if isinstance(value, Pipe):
            key = (Pipe, value.pipe_id)
            return structs.replace(value, pipe_id=known.setdefault(key, len(known) + 1))
        return value

    return [
        structs.replace(
            event, **{name: plain(getattr(event, name)) for name in event.__struct_fields__}
        )
        for event in events
    ]
