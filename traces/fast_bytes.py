"""The fast way for calls that move bytes: from a call's text to its event in one step.

What a read or write does to positions and sizes is told in `byte_calls`; here is the same once
more for the plain cases, in few functions, because every further call of one costs a twentieth of
the time for a line.
"""

from collections.abc import Callable
from typing import TypeAlias

from iowitness.traces.call_shapes import (
    COPY,
    WOKEN,
    Moved,
    addressed_end,
    duration_of,
    placed_end,
    plain_end,
    string_content,
    vector_end,
)
from iowitness.traces.call_view import CallView, EntryNotes
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import Pipe, Read, Received, Sent, Socket, Waited, Written
from iowitness.traces.fast_setting import FastSetting, Handler, Remembered
from iowitness.traces.kernel_copies import CONVERTERS as COPIES
from iowitness.traces.processes import Thread
from iowitness.traces.strace_world import World

Moving: TypeAlias = Callable[[Opening, Thread, int, int, int, int, int, int, bytes], bool]
"""Takes opening, thread, start, end, line, line where resumed, byte count, requested, data."""

_BACKSLASH, _QUOTE = 0x5C, 0x22


def handlers(setting: FastSetting) -> dict[bytes, Handler]:
    """The handlers of read, write and their relatives, by the call's name."""
    plain, placed = Remembered(plain_end), Remembered(placed_end)
    addressed, vector = Remembered(addressed_end), Remembered(vector_end)
    return {
        b"read": taking("read", plain, setting),
        b"pread64": taking("pread64", placed, setting),
        b"recvfrom": taking("recvfrom", addressed, setting),
        b"write": giving("write", plain, setting),
        b"writev": giving("writev", vector, setting),
        b"pwrite64": giving("pwrite64", placed, setting),
        b"sendto": giving("sendto", addressed, setting),
        b"sendfile": copying(setting),
        b"epoll_wait": waking("epoll_wait", setting),
        b"epoll_pwait": waking("epoll_pwait", setting),
    }


def taking(name: str, shape: Remembered[Moved], setting: FastSetting) -> Handler:
    """A handler of a call by which bytes come into a buffer."""
    out, is_placed = setting.world.out, name == "pread64"
    from_channel = _receiving(name, setting.world)
    before_duration = -setting.duration_width
    known, learn = shape.known.get, shape.learn
    durations, learn_duration = setting.ended.known.get, setting.ended.learn

    def handle(
        thread: Thread, start_ns: int, text: bytes, number: int, resumed: int,
        notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        shown, _, quoted = text.partition(b', "')
        raw, _, end = quoted.rpartition(b'"')
        data = string_content(raw) if _BACKSLASH in raw else (None if _QUOTE in raw else raw)
        took = end[before_duration:]
        end = end[:before_duration]
        moved = known(end) or learn(end)
        took_ns = durations(took)
        if took_ns is None:
            took_ns = learn_duration(took)
        if notes is None:
            descriptor = thread.process.table.by_text.get(shown)
            opening = None if descriptor is None else descriptor.opening
        else:
            opening = notes.openings.get(shown)
        if moved is None or opening is None or took_ns is None or data is None:
            return False
        asked, start, count = moved
        node = opening.node
        if node is None:
            return not is_placed and from_channel(
                opening, thread, start_ns, start_ns + took_ns, number, resumed, count, asked, data
            )
        offset = start if is_placed else opening.position
        if count == 0 and opening.read_up_to == offset and node.size_byte_count != offset:
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
                offset=offset,
                byte_count=count,
                requested_byte_count=asked,
                data=data if len(data) <= count else data[:count],
            )
        )
        if count and offset is not None:
            reached = opening.read_up_to = offset + count
            if not is_placed:
                if opening.seen:
                    opening.position = reached
                else:
                    opening.move(reached)
            if node.size_byte_count is not None and reached > node.size_byte_count:
                node.size_byte_count = reached
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
        asked: int,
        data: bytes,
    ) -> bool:
        channel = opening.endpoint
        if len(data) > count:
            data = data[:count]
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
                    requested_byte_count=asked,
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


def giving(name: str, shape: Remembered[Moved], setting: FastSetting) -> Handler:
    """A handler of a call by which bytes of a buffer go out."""
    out, is_placed = setting.world.out, name == "pwrite64"
    before = b', [{iov_base="' if name == "writev" else b', "'
    to_channel = _sending(name, setting.world)
    before_duration = -setting.duration_width
    known, learn = shape.known.get, shape.learn
    durations, learn_duration = setting.ended.known.get, setting.ended.learn

    def handle(
        thread: Thread, start_ns: int, text: bytes, number: int, resumed: int,
        notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        shown, _, quoted = text.partition(before)
        raw, _, end = quoted.rpartition(b'"')
        data = string_content(raw) if _BACKSLASH in raw else (None if _QUOTE in raw else raw)
        took = end[before_duration:]
        end = end[:before_duration]
        moved = known(end) or learn(end)
        took_ns = durations(took)
        if took_ns is None:
            took_ns = learn_duration(took)
        if notes is None:
            descriptor = thread.process.table.by_text.get(shown)
            opening = None if descriptor is None else descriptor.opening
        else:
            opening = notes.openings.get(shown)
        if moved is None or opening is None or took_ns is None or data is None:
            return False
        asked, start, count = moved
        if len(data) > count:
            data = data[:count]
        node = opening.node
        if node is None:
            return not is_placed and to_channel(
                opening, thread, start_ns, start_ns + took_ns, number, resumed, count, asked, data
            )
        offset = start if is_placed else opening.position
        if opening.append:
            offset = node.size_byte_count
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
                offset=offset,
                byte_count=count,
                requested_byte_count=asked,
                append=opening.append,
                data=data,
            )
        )
        if count:
            _after_write(opening, offset, count, is_plain=not is_placed)
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
        asked: int,
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
                    requested_byte_count=asked,
                    data=data,
                )
            )
            return True
        return opening.kind == "counter"

    return send


def copying(setting: FastSetting) -> Handler:
    """A handler of sendfile, whose converter does the rest."""
    match, convert = COPY.fullmatch, COPIES["sendfile"]

    def handle(
        thread: Thread, start_ns: int, text: bytes, number: int, resumed: int,
        notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        found = match(text)
        if found is None:
            return False
        *arguments, result, duration = found.groups()
        took_ns = duration_of(duration)
        if took_ns < 0:
            return False
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


def waking(name: str, setting: FastSetting) -> Handler:
    """A handler of epoll_wait that returned events."""
    match, out = WOKEN.fullmatch, setting.world.out

    def handle(
        thread: Thread, start_ns: int, text: bytes, number: int, resumed: int,
        _notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        found = match(text)
        took_ns = -1 if found is None else duration_of(found[2])
        if took_ns < 0:
            return False
        out.append(
            Waited(
                start_ns=start_ns,
                end_ns=start_ns + took_ns,
                process_id=thread.process.process_id,
                thread_id=thread.thread_id,
                call=name,
                line=number,
                resumed_line=resumed,
            )
        )
        return True

    return handle
