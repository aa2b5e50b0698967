"""Converters of the calls that move bytes between a buffer and a file, socket or pipe.

A plain `read` or `write` starts at the opening's position and moves it; `pread` and `pwrite` do
neither; a write with O_APPEND starts at the file's end, wherever the position is.
Source: read(2), write(2), pread(2), readv(2), recv(2), send(2), lseek(2).
"""

from collections.abc import Callable, Mapping
from typing import Literal

from iowitness.traces.call_view import CallView, buffer, vector
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import (
    MARK_PREFIX,
    Marked,
    Pipe,
    Read,
    Received,
    Sent,
    Sized,
    Socket,
    Unverifiable,
    Waited,
    Written,
)
from iowitness.traces.strace_text import fields, items, number, string

_VERBS: tuple[Literal["begin", "end", "role"], ...] = ("begin", "end", "role")

Converter = Callable[[CallView], None]


def took_in(
    view: CallView,
    opening: Opening,
    offset: int | None,
    requested: int,
    data: bytes | None,
    *,
    peeked: bool = False,
) -> None:
    """Bytes came into a buffer. `offset` is None for a plain read, which uses the position."""
    count = 0 if view.failed else view.result or 0
    endpoint = opening.endpoint
    if isinstance(endpoint, Socket | Pipe):
        view.world.out.append(
            Received(
                **view.at,
                channel=endpoint,
                byte_count=count,
                requested_byte_count=requested,
                data=data,
                peeked=peeked,
            )
        )
        return
    if opening.node is None:
        _without_file(view, opening)
        return
    start = opening.position if offset is None else offset
    view.world.out.append(
        Read(
            **view.at,
            file=opening.node.file,
            offset=start,
            byte_count=count,
            requested_byte_count=requested,
            data=data,
        )
    )
    if view.error is None:
        read_from(view, opening, start, count, requested, plain=offset is None)


def read_from(
    view: CallView, opening: Opening, start: int | None, count: int, requested: int, *, plain: bool
) -> None:
    """What a read tells of the position and, at the end, of the file's size."""
    if start is None:
        return
    node = opening.node
    assert node is not None  # only files come here
    if plain and count:
        opening.move(start + count)
    if count:
        opening.read_up_to = start + count
        node.grown_to(start + count)
    elif requested and opening.read_up_to == start:
        sized(view, opening, start)


def gave_out(
    view: CallView, opening: Opening, offset: int | None, requested: int, data: bytes | None
) -> None:
    """Bytes of a buffer went out. `offset` is None for a plain write, which uses the position."""
    count = 0 if view.failed else view.result or 0
    endpoint = opening.endpoint
    if isinstance(endpoint, Socket | Pipe):
        view.world.out.append(
            Sent(
                **view.at,
                channel=endpoint,
                byte_count=count,
                requested_byte_count=requested,
                data=data,
            )
        )
        return
    if opening.node is None:
        _without_file(view, opening)
        return
    node = opening.node
    if opening.append:
        start = node.size_byte_count
    else:
        start = opening.position if offset is None else offset
    view.world.out.append(
        Written(
            **view.at,
            file=node.file,
            offset=start,
            byte_count=count,
            requested_byte_count=requested,
            append=opening.append,
            data=data,
        )
    )
    if count:
        end = None if start is None else start + count
        if end is None:
            node.size_byte_count = None
        else:
            node.grown_to(end)
        if offset is None:
            opening.move(end)


def sized(view: CallView, opening: Opening, size: int) -> None:
    """The trace showed a file's size; an event says so where that was not known before."""
    node = opening.node
    assert node is not None  # only files come here
    if node.size_byte_count != size:
        node.size_byte_count = size
        view.world.out.append(Sized(**view.at, file=node.file, size_byte_count=size))


def _without_file(view: CallView, opening: Opening) -> None:
    """A read or write of what is no file, socket or pipe."""
    if opening.kind == "counter":
        if view.name in ("read", "readv"):
            view.world.out.append(Waited(**view.at))
    elif opening.kind == "unknown" and view.error is None:
        view.world.out.append(
            Unverifiable(
                **view.at,
                reason="a descriptor from before the trace, and the trace shows no paths (-y)",
            )
        )


def _read(view: CallView) -> None:
    count = view.result or 0
    data = None if view.failed else buffer(view.arguments[1], count)
    took_in(view, view.opening(0), None, view.number(2), data)


def _pread(view: CallView) -> None:
    count = view.result or 0
    data = None if view.failed else buffer(view.arguments[1], count)
    took_in(view, view.opening(0), view.number(3), view.number(2), data)


def _readv(view: CallView) -> None:
    requested, data = vector(view.arguments[1], max(view.result or 0, 0))
    took_in(view, view.opening(0), _vector_offset(view), requested, None if view.failed else data)


def _vector_offset(view: CallView) -> int | None:
    """The offset of `preadv` and its like; -1 in the `v2` forms means the position."""
    if not view.name.startswith("p"):
        return None
    offset = view.number(3)
    return None if offset == -1 and view.name.endswith("2") else offset


def _write(view: CallView) -> None:
    if view.arguments[0].startswith(b"-1") or (view.error == "EBADF" and _is_mark(view)):
        _mark(view)
        return
    data = None if view.failed else buffer(view.arguments[1], view.result or 0)
    gave_out(view, view.opening(0), None, view.number(2), data)


def _is_mark(view: CallView) -> bool:
    """Whether a write to a descriptor that is not open is a mark: a shell has no -1 to write to."""
    shown = string(view.arguments[1])
    return shown is not None and shown[0].startswith(MARK_PREFIX.encode())


def _mark(view: CallView) -> None:
    """A write to descriptor -1: the program speaks to the judge."""
    shown = string(view.arguments[1])
    words = (shown[0] if shown else b"").decode("utf-8", "backslashreplace")
    if shown is None or not words.startswith(MARK_PREFIX):
        return
    if not shown[1]:
        view.world.gap(
            f"mark={words!r} is cut off, expected all of it: capture with a larger -s",
            view.line,
            view.process.process_id,
            view.name,
        )
    verb, _, name = words.removeprefix(MARK_PREFIX).partition(":")
    for known in _VERBS:
        if verb == known:
            view.world.out.append(Marked(**(view.at | {"error": None}), verb=known, name=name))


def _pwrite(view: CallView) -> None:
    data = None if view.failed else buffer(view.arguments[1], view.result or 0)
    gave_out(view, view.opening(0), view.number(3), view.number(2), data)


def _writev(view: CallView) -> None:
    requested, data = vector(view.arguments[1], max(view.result or 0, 0))
    opening = view.opening(0)
    data = None if view.failed else data
    appended = b"RWF_APPEND" in view.flags(4) and not opening.append
    if not appended:
        gave_out(view, opening, _vector_offset(view), requested, data)
        return
    opening.append = True
    gave_out(view, opening, _vector_offset(view), requested, data)
    opening.append = False


def _recvfrom(view: CallView) -> None:
    flags = view.flags(3)
    if b"MSG_ERRQUEUE" in flags:
        return
    requested = view.number(2)
    count = min(view.result or 0, requested)
    data = None if view.failed else buffer(view.arguments[1], count)
    took_in(view, view.opening(0), None, requested, data, peeked=b"MSG_PEEK" in flags)


def _recvmsg(view: CallView) -> None:
    flags = view.flags(2)
    requested, data = _message(view.arguments[1], max(view.result or 0, 0))
    if b"MSG_ERRQUEUE" in flags:
        return
    opening = view.opening(0)
    took_in(
        view,
        opening,
        None,
        requested,
        None if view.failed else data,
        peeked=b"MSG_PEEK" in flags,
    )


def _message(argument: bytes, byte_count: int) -> tuple[int, bytes | None]:
    """The byte count and the beginning of the buffers of a `struct msghdr`."""
    if not argument.startswith(b"{"):
        return byte_count, None
    return vector(fields(argument).get(b"msg_iov", b"NULL"), byte_count)


def _sendto(view: CallView) -> None:
    data = None if view.failed else buffer(view.arguments[1], view.result or 0)
    gave_out(view, view.opening(0), None, view.number(2), data)


def _sendmsg(view: CallView) -> None:
    requested, data = _message(view.arguments[1], max(view.result or 0, 0))
    gave_out(view, view.opening(0), None, requested, None if view.failed else data)


def _lseek(view: CallView) -> None:
    opening = view.opening(0)
    if view.failed or view.result is None or opening.node is None:
        return
    opening.move(view.result)
    opening.read_up_to = None
    if view.arguments[2] == b"SEEK_END":
        sized(view, opening, view.result - view.number(1))


def _messages(view: CallView) -> list[bytes]:
    """The `struct mmsghdr`s of recvmmsg and sendmmsg that the call dealt with."""
    if not view.arguments[1].startswith(b"["):
        return []
    return [item for item in items(view.arguments[1]) if item.startswith(b"{")]


def _many(one: Callable[[CallView, int, bytes | None, int], None]) -> Converter:
    """A converter of the calls that deal with several messages at once: an event for each."""

    def convert(view: CallView) -> None:
        messages = _messages(view)
        done = messages[: max(view.result or 0, 0)]
        if view.failed:
            requested = sum(_message(fields(each)[b"msg_hdr"], 0)[0] for each in messages)
            one(view, requested, None, 0)
            return
        whole = view.result
        for each in done:
            members = fields(each)
            count = number(members[b"msg_len"])
            requested, data = _message(members[b"msg_hdr"], count)
            view.result = count
            one(view, requested, data, count)
        view.result = whole

    return convert


def _one_received(view: CallView, requested: int, data: bytes | None, _count: int) -> None:
    took_in(view, view.opening(0), None, requested, data, peeked=b"MSG_PEEK" in view.flags(3))


def _one_sent(view: CallView, requested: int, data: bytes | None, _count: int) -> None:
    gave_out(view, view.opening(0), None, requested, data)


CONVERTERS: Mapping[str, Converter] = {
    "read": _read,
    "pread64": _pread,
    "pread": _pread,
    "readv": _readv,
    "preadv": _readv,
    "preadv2": _readv,
    "write": _write,
    "pwrite64": _pwrite,
    "pwrite": _pwrite,
    "writev": _writev,
    "pwritev": _writev,
    "pwritev2": _writev,
    "recvfrom": _recvfrom,
    "recv": _recvfrom,
    "recvmsg": _recvmsg,
    "recvmmsg": _many(_one_received),
    "sendto": _sendto,
    "send": _sendto,
    "sendmsg": _sendmsg,
    "sendmmsg": _many(_one_sent),
    "lseek": _lseek,
    "_llseek": _lseek,
}
