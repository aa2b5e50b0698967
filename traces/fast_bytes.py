"""The fast way for calls that move bytes: from a line's shape to its event in one step.

What a read or write does to positions and sizes is told in `byte_calls`; here is the same once
more for the plain cases, in few functions, because every further call of one costs a twentieth of
the time for a line.
"""

from collections.abc import Callable
from typing import TypeAlias

from iowitness.traces.call_shapes import BufferShape, string_content, thorough
from iowitness.traces.call_view import CallView, EntryNotes
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import Pipe, Read, Received, Sent, Socket, Waited, Written
from iowitness.traces.fast_setting import FastSetting, Handler
from iowitness.traces.kernel_copies import CONVERTERS as COPIES
from iowitness.traces.processes import Thread
from iowitness.traces.strace_world import World

Moving: TypeAlias = Callable[[Opening, Thread, int, int, int, int, int, bytes, bytes], bool]
"""Takes opening, thread, start, end, line, line where resumed, byte count, requested, data."""

_QUIET_FLAGS = frozenset(
    {b"", b"0", b"MSG_NOSIGNAL", b"MSG_DONTWAIT", b"MSG_DONTWAIT|MSG_NOSIGNAL"}
)
"""Flags of recvfrom and sendto that change nothing about which bytes move."""


def handlers(setting: FastSetting) -> dict[bytes, Handler]:
    """The handlers of read, write and their relatives, by the call's name."""
    shapes = setting.shapes
    return {
        b"read": taking("read", shapes.plain(b"read"), setting),
        b"pread64": taking("pread64", shapes.placed(b"pread64"), setting),
        b"recvfrom": taking("recvfrom", shapes.addressed(b"recvfrom"), setting),
        b"write": giving("write", shapes.plain(b"write"), setting),
        b"writev": giving("writev", shapes.vector_of_one(b"writev"), setting),
        b"pwrite64": giving("pwrite64", shapes.placed(b"pwrite64"), setting),
        b"sendto": giving("sendto", shapes.addressed(b"sendto"), setting),
        b"sendfile": copying(setting),
    }


def taking(name: str, shape: BufferShape, setting: FastSetting) -> Handler:
    """A handler of a call by which bytes come into a buffer."""
    match, again, out = shape[0].fullmatch, thorough(shape), setting.world.out
    is_placed = name == "pread64"
    threads, unit_ns, durations = setting.threads, setting.unit_ns, setting.durations
    from_channel = _receiving(name, setting.world)

    def handle(line: bytes, number: int, resumed: int, notes: EntryNotes | None) -> bool:
        found = match(line) or again(line)
        if found is None:
            return False
        pid, clock, shown, raw, asked, extra, result, duration = found.groups()
        thread = threads[pid]
        took_ns = durations[duration]
        data = string_content(raw)
        if thread is None or took_ns < 0 or data is None:
            return False
        if notes is None:
            descriptor = thread.process.table.by_text.get(shown)
            if descriptor is None:
                return False
            opening = descriptor.opening
        elif shown in notes.openings:
            opening = notes.openings[shown]
        else:
            return False
        start_ns = int(clock.replace(b".", b"")) * unit_ns
        count = int(result)
        node = opening.node
        if node is None:
            return extra in _QUIET_FLAGS and from_channel(
                opening, thread, start_ns, start_ns + took_ns, number, resumed, count, asked, data
            )
        start = int(extra) if is_placed else opening.position
        if count == 0 and opening.read_up_to == start and node.size_byte_count != start:
            return False  # it shows the file's size
        out.append(
            Read(
                start_ns=start_ns,
                end_ns=start_ns + took_ns,
                process_id=thread.process.process_id,
                thread_id=thread.thread_id,
                call=name,
                line=number,
                resumed_line=resumed,
                file=node.file,
                offset=start,
                byte_count=count,
                requested_byte_count=int(asked),
                data=data,
            )
        )
        if count and start is not None:
            end = opening.read_up_to = start + count
            if not is_placed:
                opening.move(end)
            if node.size_byte_count is not None and end > node.size_byte_count:
                node.size_byte_count = end
        return True

    return handle


def _receiving(name: str, world: World) -> Moving:
    """What `taking` does for sockets, pipes and counters."""
    out = world.out

    def receive(  # the parts of a line
        opening: Opening,
        thread: Thread,
        start_ns: int,
        end_ns: int,
        number: int,
        resumed: int,
        count: int,
        asked: bytes,
        data: bytes,
    ) -> bool:
        channel = opening.endpoint
        if isinstance(channel, Socket | Pipe):
            out.append(
                Received(
                    start_ns=start_ns,
                    end_ns=end_ns,
                    process_id=thread.process.process_id,
                    thread_id=thread.thread_id,
                    call=name,
                    line=number,
                    resumed_line=resumed,
                    channel=channel,
                    byte_count=count,
                    requested_byte_count=int(asked),
                    data=data,
                )
            )
            return True
        if opening.kind != "counter" or name != "read":
            return False
        out.append(
            Waited(
                start_ns=start_ns,
                end_ns=end_ns,
                process_id=thread.process.process_id,
                thread_id=thread.thread_id,
                call=name,
                line=number,
                resumed_line=resumed,
            )
        )
        return True

    return receive


def giving(name: str, shape: BufferShape, setting: FastSetting) -> Handler:
    """A handler of a call by which bytes of a buffer go out."""
    match, again, out = shape[0].fullmatch, thorough(shape), setting.world.out
    is_placed = name == "pwrite64"
    threads, unit_ns, durations = setting.threads, setting.unit_ns, setting.durations
    to_channel = _sending(name, setting.world)

    def handle(line: bytes, number: int, resumed: int, notes: EntryNotes | None) -> bool:
        found = match(line) or again(line)
        if found is None:
            return False
        pid, clock, shown, raw, asked, extra, result, duration = found.groups()
        thread = threads[pid]
        took_ns = durations[duration]
        data = string_content(raw)
        if thread is None or took_ns < 0 or data is None:
            return False
        if notes is None:
            descriptor = thread.process.table.by_text.get(shown)
            if descriptor is None:
                return False
            opening = descriptor.opening
        elif shown in notes.openings:
            opening = notes.openings[shown]
        else:
            return False
        start_ns = int(clock.replace(b".", b"")) * unit_ns
        count = int(result)
        data = data[:count]
        node = opening.node
        if node is None:
            return extra in _QUIET_FLAGS and to_channel(
                opening, thread, start_ns, start_ns + took_ns, number, resumed, count, asked, data
            )
        start = int(extra) if is_placed else opening.position
        if opening.append:
            start = node.size_byte_count
        out.append(
            Written(
                start_ns=start_ns,
                end_ns=start_ns + took_ns,
                process_id=thread.process.process_id,
                thread_id=thread.thread_id,
                call=name,
                line=number,
                resumed_line=resumed,
                file=node.file,
                offset=start,
                byte_count=count,
                requested_byte_count=int(asked),
                append=opening.append,
                data=data,
            )
        )
        if count:
            _after_write(opening, start, count, is_plain=not is_placed)
        return True

    return handle


def _after_write(opening: Opening, start: int | None, count: int, *, is_plain: bool) -> None:
    """The file's size and the opening's position after a write."""
    node = opening.node
    assert node is not None  # only files come here
    end = None if start is None else start + count
    if end is None:
        node.size_byte_count = None
    elif node.size_byte_count is not None and end > node.size_byte_count:
        node.size_byte_count = end
    if is_plain:
        opening.move(end)


def _sending(name: str, world: World) -> Moving:
    """What `giving` does for sockets, pipes and counters."""
    out = world.out

    def send(  # the parts of a line
        opening: Opening,
        thread: Thread,
        start_ns: int,
        end_ns: int,
        number: int,
        resumed: int,
        count: int,
        asked: bytes,
        data: bytes,
    ) -> bool:
        channel = opening.endpoint
        if isinstance(channel, Socket | Pipe):
            out.append(
                Sent(
                    start_ns=start_ns,
                    end_ns=end_ns,
                    process_id=thread.process.process_id,
                    thread_id=thread.thread_id,
                    call=name,
                    line=number,
                    resumed_line=resumed,
                    channel=channel,
                    byte_count=count,
                    requested_byte_count=int(asked),
                    data=data,
                )
            )
            return True
        return opening.kind == "counter"

    return send


def copying(setting: FastSetting) -> Handler:
    """A handler of sendfile, whose converter does the rest."""
    match, convert = setting.shapes.copy().fullmatch, COPIES["sendfile"]

    def handle(line: bytes, number: int, resumed: int, notes: EntryNotes | None) -> bool:
        found = match(line)
        if found is None:
            return False
        pid, clock, *arguments, result, duration = found.groups()
        thread = setting.threads[pid]
        took_ns = setting.durations[duration]
        if thread is None or took_ns < 0:
            return False
        start_ns = int(clock.replace(b".", b"")) * setting.unit_ns
        convert(
            CallView(
                setting.world,
                thread,
                "sendfile",
                start_ns=start_ns,
                end_ns=start_ns + took_ns,
                line=number,
                resumed_line=resumed,
                arguments=arguments,
                result=int(result),
                result_text=result,
                error=None,
                entry=notes,
            )
        )
        return True

    return handle
