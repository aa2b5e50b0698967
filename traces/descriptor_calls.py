"""Converters of the calls that make, copy and close descriptors, and of sockets' own calls.

Source: close(2), dup(2), fcntl(2), pipe(2), eventfd(2), socket(2), accept(2), connect(2), bind(2).
"""

from collections.abc import Mapping

from iowitness.traces.byte_calls import CONVERTERS as BYTE_CONVERTERS
from iowitness.traces.byte_calls import Converter
from iowitness.traces.call_view import CallView
from iowitness.traces.decoration import Decoration, read_decoration
from iowitness.traces.descriptor_table import Descriptor, Opening
from iowitness.traces.events import (
    Accepted,
    Closed,
    Connected,
    Listening,
    PipeOpened,
    Socket,
    SocketOpened,
)
from iowitness.traces.strace_text import descriptor_number, fields, items, split_arguments

_FAMILIES = {
    (b"AF_INET", b"SOCK_STREAM"): "TCP",
    (b"AF_INET", b"SOCK_DGRAM"): "UDP",
    (b"AF_INET6", b"SOCK_STREAM"): "TCPv6",
    (b"AF_INET6", b"SOCK_DGRAM"): "UDPv6",
    (b"AF_UNIX", b"SOCK_STREAM"): "UNIX-STREAM",
    (b"AF_UNIX", b"SOCK_DGRAM"): "UNIX-DGRAM",
    (b"AF_UNIX", b"SOCK_SEQPACKET"): "UNIX-SEQPACKET",
}


_O_APPEND = 0o2000
"""The flag's value in F_GETFL's result; Linux on all but alpha, mips, parisc and sparc."""


def closed(view: CallView, descriptor: Descriptor) -> None:
    """A number no longer stands for what it stood for."""
    opening = descriptor.opening
    last = opening.references <= 0
    if last and not opening.seen and opening.node is not None:
        opening.node.not_seen[:] = [
            other for other in opening.node.not_seen if other is not opening
        ]
    view.world.out.append(
        Closed(
            **(view.at | {"error": None}),
            endpoint=opening.endpoint,
            descriptor=descriptor.number,
            last=last,
        )
    )


def _close(view: CallView) -> None:
    descriptor = None if view.entry is None else view.entry.closed
    if descriptor is None and view.error != "EBADF":
        view.opening(0)
        descriptor = view.process.table.unbind(descriptor_number(view.arguments[0]))
    if descriptor is not None:
        closed(view, descriptor)


def _close_range(view: CallView) -> None:
    if view.failed:
        return
    first, last = view.number(0), view.number(1)
    table = view.process.table
    only_marked = b"CLOSE_RANGE_CLOEXEC" in view.flags(2)
    if b"CLOSE_RANGE_UNSHARE" in view.flags(2):
        table = view.process.table = table.copy()
    for number in sorted(number for number in table.descriptors if first <= number <= last):
        if only_marked:
            table.descriptors[number].close_on_exec = True
            continue
        descriptor = table.unbind(number)
        assert descriptor is not None  # its number is from the table
        closed(view, descriptor)


def _dup(view: CallView) -> None:
    flags = view.flags(2) if view.name == "dup3" else frozenset()
    _duplicate(view, close_on_exec=b"O_CLOEXEC" in flags)


def _duplicate(view: CallView, *, close_on_exec: bool) -> None:
    """A further number for what the first argument stands for; it may replace another."""
    if view.failed or view.result is None:
        return
    opening = view.opening(0)
    table = view.process.table
    same = table.descriptors.get(view.result)
    if same is not None and same.opening is opening and view.name == "dup2":
        return  # dup2 onto itself does nothing
    replaced = table.bind(view.result, opening, close_on_exec=close_on_exec)
    if replaced is not None:
        closed(view, replaced)


def _fcntl(view: CallView) -> None:
    if view.failed:
        return
    command = view.arguments[1]
    if command in (b"F_DUPFD", b"F_DUPFD_CLOEXEC"):
        _duplicate(view, close_on_exec=command.endswith(b"CLOEXEC"))
    elif command == b"F_SETFD":
        view.opening(0)
        descriptor = view.process.table.descriptors.get(descriptor_number(view.arguments[0]))
        if descriptor is not None:
            descriptor.close_on_exec = b"FD_CLOEXEC" in view.flags(2)
    elif command == b"F_SETFL":
        view.opening(0).append = b"O_APPEND" in view.flags(2)
    elif command == b"F_GETFL":
        view.opening(0).append = bool((view.result or 0) & _O_APPEND)


def _bind_new(view: CallView, number: int, opening: Opening, flags: frozenset[bytes]) -> bool:
    """Let a fresh number stand for a fresh opening; whether it closes on exec."""
    close_on_exec = any(flag.endswith(b"_CLOEXEC") for flag in flags)
    replaced = view.process.table.bind(number, opening, close_on_exec=close_on_exec)
    if replaced is not None:
        view.world.gap(
            f"descriptor {number} was given out anew, expected a close before: "
            "a call between was not traced",
            view.line,
            view.process.process_id,
            view.name,
        )
    return close_on_exec


def _pipe(view: CallView) -> None:
    if view.failed:
        return
    ends = [read_decoration(end) for end in items(view.arguments[0])]
    pipe = view.world.pipe(ends[0].inode, is_new=True)
    close_on_exec = False
    for end in ends:
        close_on_exec = _bind_new(view, end.number, Opening("pipe", pipe), view.flags(1))
    view.world.out.append(
        PipeOpened(
            **view.at,
            pipe=pipe,
            read_descriptor=ends[0].number,
            write_descriptor=ends[1].number,
            close_on_exec=close_on_exec,
        )
    )


def _counter(view: CallView) -> None:
    """A descriptor through which no payload passes."""
    if view.failed or view.result is None:
        return
    if view.arguments and view.arguments[0].partition(b"<")[0] == str(view.result).encode():
        return  # signalfd with a descriptor only changes its mask
    last = view.flags(len(view.arguments) - 1)
    shown = read_decoration(view.result_text)
    opening = Opening("counter" if shown.kind in ("counter", "none") else "other")
    _bind_new(view, view.result, opening, last)


def _other(view: CallView) -> None:
    if view.failed or view.result is None:
        return
    if view.name == "bpf" and b"<" not in view.result_text:
        return  # most of bpf's commands return something else
    _bind_new(view, view.result, Opening("other"), view.flags(len(view.arguments) - 1))


def _socket(view: CallView) -> None:
    if view.failed or view.result is None:
        return
    _socket_made(view, read_decoration(view.result_text))


def _socketpair(view: CallView) -> None:
    if view.failed:
        return
    for end in items(view.arguments[3]):
        _socket_made(view, read_decoration(end))


def _socket_made(view: CallView, shown: Decoration) -> None:
    kind = view.arguments[1].partition(b"|")[0]
    named = Decoration(
        shown.number,
        "socket",
        family=shown.family
        or _FAMILIES.get((view.arguments[0], kind), view.arguments[0].decode().removeprefix("AF_")),
        local=shown.local,
        remote=shown.remote,
    )
    socket = view.world.socket(named)
    flags = view.flags(1)
    close_on_exec = _bind_new(view, shown.number, Opening("socket", socket), flags)
    view.world.out.append(
        SocketOpened(**view.at, socket=socket, descriptor=shown.number, close_on_exec=close_on_exec)
    )


def _accept(view: CallView) -> None:
    if view.failed or view.result is None:
        return
    listener = view.opening(0).endpoint
    shown = read_decoration(view.result_text)
    if not isinstance(listener, Socket):
        listener = view.world.socket(Decoration(0, "socket"))
    if shown.kind == "none":
        shown = Decoration(shown.number, "socket", family=listener.family, local=listener.local)
    socket = view.world.socket(shown)
    close_on_exec = _bind_new(view, shown.number, Opening("socket", socket), view.flags(3))
    view.world.out.append(
        Accepted(
            **view.at,
            listener=listener,
            socket=socket,
            descriptor=shown.number,
            close_on_exec=close_on_exec,
        )
    )


def _connect(view: CallView) -> None:
    socket = view.opening(0).endpoint
    if isinstance(socket, Socket):
        view.world.out.append(Connected(**view.at, socket=socket))


def _listen(view: CallView) -> None:
    socket = view.opening(0).endpoint
    if isinstance(socket, Socket) and not view.failed:
        view.world.out.append(Listening(**view.at, socket=socket))


def _recvmsg(view: CallView) -> None:
    """Bytes, and with SCM_RIGHTS descriptors of another process."""
    BYTE_CONVERTERS["recvmsg"](view)
    if view.failed or not view.arguments[1].startswith(b"{"):
        return
    control = fields(view.arguments[1]).get(b"msg_control", b"")
    if b"SCM_RIGHTS" not in control or not control.startswith(b"["):
        return
    for message in items(control):
        if not message.startswith(b"{"):
            continue
        members = fields(message)
        rights = members.get(b"cmsg_data", b"")
        if members.get(b"cmsg_type") == b"SCM_RIGHTS" and rights.startswith(b"["):
            for passed in split_arguments(rights, 1, 0x5D)[0]:
                view.process.table.unbind(descriptor_number(passed))
                view.opening_of(passed)


def _pidfd_getfd(view: CallView) -> None:
    if not view.failed and view.result is not None:
        view.process.table.unbind(view.result)
        view.opening_of(view.result_text)


CONVERTERS: Mapping[str, Converter] = {
    "close": _close,
    "close_range": _close_range,
    "dup": _dup,
    "dup2": _dup,
    "dup3": _dup,
    "fcntl": _fcntl,
    "fcntl64": _fcntl,
    "pipe": _pipe,
    "pipe2": _pipe,
    "eventfd": _counter,
    "eventfd2": _counter,
    "timerfd_create": _counter,
    "signalfd": _counter,
    "signalfd4": _counter,
    "inotify_init": _counter,
    "inotify_init1": _counter,
    "epoll_create": _counter,
    "epoll_create1": _counter,
    "pidfd_open": _other,
    "userfaultfd": _other,
    "fanotify_init": _other,
    "perf_event_open": _other,
    "bpf": _other,
    "landlock_create_ruleset": _other,
    "socket": _socket,
    "socketpair": _socketpair,
    "accept": _accept,
    "accept4": _accept,
    "connect": _connect,
    "bind": _listen,
    "listen": _listen,
    "recvmsg": _recvmsg,
    "pidfd_getfd": _pidfd_getfd,
}
