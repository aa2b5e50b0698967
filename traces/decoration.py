"""What strace says behind a descriptor's number: `7</path>`, `8<TCP:[127.0.0.1:80->...]>`.

`-y` prints paths, `-yy` also the addresses of sockets and the numbers of devices. In a path `<` and
`>` are escaped, so its end is certain. `(deleted)` behind it says that its name is gone.
Source: strace 6.1 src/util.c (printfd_pid, print_sockets), src/socketutils.c.
"""

import re
from typing import Literal

from msgspec import Struct

from iowitness.traces.name_text import name_text
from iowitness.traces.strace_text import unescaped
from iowitness.traces.trace_error import TraceError, quoted

_SHAPE = re.compile(rb"(-?[0-9]+|AT_FDCWD)(?:<(.*)>(\(deleted\))?)?", re.DOTALL)
_PLAIN_PATH = re.compile(rb"([0-9]+)<(/[!-;=?-\[\]-~]*)>")
"""A path of printable ASCII without a blank, a backslash or a device: nine of ten there are."""
_NAMED = re.compile(rb"([A-Za-z0-9_-]+):\[(.*)\]", re.DOTALL)
_DEVICE = re.compile(rb"<(char|block) [0-9]+:[0-9]+>$")
_ADDRESSES = re.compile(rb'((?:[^">-]|-(?!>)|"(?:[^"\\]|\\.)*")*)(?:->(.*))?', re.DOTALL)
_UNIX_NAME = re.compile(rb'([0-9]*)(?:,(@?)"(.*)")?', re.DOTALL)
_COUNTERS = (
    b"anon_inode:[eventfd",
    b"anon_inode:[timerfd",
    b"anon_inode:[signalfd",
    b"anon_inode:[eventpoll",
    b"anon_inode:inotify",
    b"signalfd:",
)
_NO_SOCKETS = frozenset(
    {b"anon_inode", b"signalfd", b"cgroup", b"ipc", b"mnt", b"net", b"pid", b"pid_for_children",
     b"time", b"time_for_children", b"user", b"uts"}
)  # fmt: skip
"""What has the form of a socket's decoration and is none: signalfd(2) and namespaces(7)."""


class Decoration(Struct, frozen=True, gc=False):
    """A descriptor as strace shows it.

    `kind`: `none` where there is only a number; `file` with its path; `socket` with family and
    addresses (empty where the socket has none yet); `pipe`; `counter` for eventfd, timerfd,
    signalfd, inotify and epoll, through which no payload passes; `other` for the rest (io_uring,
    pidfd, ...).
    `inode` is the kernel's number for sockets and pipes where it is shown.
    """

    number: int
    kind: Literal["none", "file", "socket", "pipe", "counter", "other"]
    path: str = ""
    deleted: bool = False
    family: str = ""
    local: str = ""
    remote: str = ""
    inode: str = ""


def is_descriptor(argument: bytes) -> bool:
    """Whether an argument is a descriptor that stands for something, and whole."""
    return argument[:1].isdigit() and _SHAPE.fullmatch(argument) is not None


def read_decoration(argument: bytes) -> Decoration:
    """The meaning of one descriptor argument or result."""
    plain = _PLAIN_PATH.fullmatch(argument)
    if plain is not None:
        return Decoration(int(plain[1]), "file", plain[2].decode())
    shape = _SHAPE.fullmatch(argument)
    if shape is None:
        raise TraceError(f"argument={quoted(argument)}, expected a descriptor")
    number = -100 if shape[1] == b"AT_FDCWD" else int(shape[1])
    inside = shape[2]
    if inside is None:
        return Decoration(number, "none")
    if inside.startswith(b"\\x"):  # -xx escapes every byte, brackets and colons too
        inside = unescaped(inside)
        if inside.startswith(b"/"):
            return _file_named(number, inside, deleted=shape[3] is not None)
    if not inside.startswith(b"/"):
        named = _NAMED.fullmatch(inside)
        if named is not None and named[1] not in _NO_SOCKETS:
            return _named(number, named[1], named[2])
        if named is not None or inside.startswith((b"anon_inode:", b"pid:")):
            is_counter = inside.startswith(_COUNTERS)
            return Decoration(
                number,
                "counter" if is_counter else "other",
                path=inside.decode("utf-8", "backslashreplace"),
            )
    return _file(number, inside, deleted=shape[3] is not None)


def _file(number: int, inside: bytes, *, deleted: bool) -> Decoration:
    device = _DEVICE.search(inside)
    if device is not None:
        inside = inside[: device.start()]
    return _file_named(number, unescaped(inside), deleted=deleted)


def _file_named(number: int, path: bytes, *, deleted: bool) -> Decoration:
    """The file with this name, whose escapes are gone."""
    if path.endswith(b" (deleted)"):  # strace before 5.19 leaves the kernel's own words inside
        path, deleted = path[: -len(b" (deleted)")], True
    return Decoration(number, "file", path=name_text(path), deleted=deleted)


def _named(number: int, name: bytes, inside: bytes) -> Decoration:
    """`pipe:[1]`, `socket:[1]`, `TCP:[...]`."""
    if name == b"pipe":
        return Decoration(number, "pipe", inode=inside.decode("utf-8", "backslashreplace"))
    family = name.decode()
    if name == b"socket" or inside.isdigit():
        return Decoration(
            number,
            "socket",
            family="" if name == b"socket" else family,
            inode=inside.decode("utf-8", "backslashreplace"),
        )
    if family.startswith("UNIX"):
        return _unix(number, family, inside)
    split = _ADDRESSES.fullmatch(inside)
    if split is None:
        raise TraceError(f"socket={quoted(inside)}, expected addresses")
    return Decoration(
        number,
        "socket",
        family=family,
        local=split[1].decode("utf-8", "backslashreplace"),
        remote=(split[2] or b"").decode("utf-8", "backslashreplace"),
    )


def _unix(number: int, family: str, inside: bytes) -> Decoration:
    """`UNIX-STREAM:[inode->peer inode,"name"]`; the name is this end's."""
    split = _ADDRESSES.fullmatch(inside)
    if split is None:
        raise TraceError(f"socket={quoted(inside)}, expected inodes and a name")
    own, peer = split[1], split[2]
    named = _UNIX_NAME.fullmatch(own if peer is None else peer)
    if named is None:
        raise TraceError(f"socket={quoted(inside)}, expected inodes and a name")
    inode = own.partition(b",")[0].decode()
    local = inode
    if named[3] is not None:
        local = named[2].decode() + name_text(unescaped(named[3]))
    return Decoration(
        number,
        "socket",
        family=family,
        local=local,
        remote="" if peer is None else named[1].decode(),
        inode=inode,
    )
