"""Converters of the calls that open, size and sync files.

Source: open(2), stat(2), truncate(2), fallocate(2), fsync(2).
"""

from collections.abc import Callable, Mapping
from typing import Literal

from iowitness.traces.byte_calls import Converter, sized
from iowitness.traces.call_view import CallView
from iowitness.traces.decoration import read_decoration
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import (
    Allocated,
    Opened,
    Resized,
    Synced,
)
from iowitness.traces.file_names import FileNode
from iowitness.traces.name_calls import GONE
from iowitness.traces.strace_text import fields, number


def _open(view: CallView) -> None:
    _opened(view, view.path_here(0) if view.has(0) else "", view.flags(1))


def _openat(view: CallView) -> None:
    _opened(view, view.path_at(0, 1), view.flags(2))


def _openat2(view: CallView) -> None:
    how = fields(view.arguments[2])
    _opened(view, view.path_at(0, 1), frozenset(how.get(b"flags", b"").split(b"|")))


def _creat(view: CallView) -> None:
    _opened(view, view.path_here(0), frozenset({b"O_WRONLY", b"O_CREAT", b"O_TRUNC"}))


def _open_by_handle(view: CallView) -> None:
    _opened(view, "", view.flags(2))


def _memfd(view: CallView) -> None:
    flags = {b"O_RDWR", b"O_CREAT", b"O_EXCL"}
    if b"MFD_CLOEXEC" in view.flags(view.arguments.__len__() - 1):
        flags.add(b"O_CLOEXEC")
    _opened(
        view,
        "/memfd:" + view.path(0) if view.arguments[0][:1] == b'"' else "/secretmem",
        frozenset(flags),
    )


def _access(flags: frozenset[bytes]) -> Literal["read", "write", "read-write", "path"]:
    if b"O_PATH" in flags:
        return "path"
    if b"O_RDWR" in flags:
        return "read-write"
    return "write" if b"O_WRONLY" in flags else "read"


def _opened(view: CallView, asked: str, flags: frozenset[bytes]) -> None:
    """A file was opened under the name `asked`; strace's decoration knows better where it is."""
    names = view.world.names
    if view.failed or view.result is None:
        if view.error in GONE and asked:
            names.missing.add(asked)
        return
    shown = read_decoration(view.result_text)
    path = shown.path if shown.kind == "file" else asked
    _learn_directory(view, asked, path)
    creates = b"O_CREAT" in flags or b"O_TMPFILE" in flags
    truncates = b"O_TRUNC" in flags
    starts_empty = creates and (b"O_EXCL" in flags or b"O_TMPFILE" in flags or names.is_new(path))
    nameless = shown.deleted or b"O_TMPFILE" in flags or path.startswith("/memfd:")
    if starts_empty and path in names.nodes:
        names.unlink(path)  # O_EXCL succeeded: someone outside removed the file that had the name
    node = names.nameless(path) if nameless else names.node(path)
    names.missing.discard(path)
    if starts_empty or truncates:
        node.size_byte_count = 0
    opening = Opening("file", node.file, node, position=0, append=b"O_APPEND" in flags)
    close_on_exec = b"O_CLOEXEC" in flags
    view.process.table.bind(view.result, opening, close_on_exec=close_on_exec)
    view.world.out.append(
        Opened(
            **view.at,
            file=node.file,
            descriptor=view.result,
            access=_access(flags),
            size_byte_count=node.size_byte_count,
            append=opening.append,
            created=creates,
            truncated=truncates,
            close_on_exec=close_on_exec,
            direct=b"O_DIRECT" in flags,
            synchronous=bool(flags & {b"O_SYNC", b"O_DSYNC"}),
        )
    )


def _learn_directory(view: CallView, asked: str, path: str) -> None:
    """A relative name and where it led tell the process's directory."""
    if asked and not asked.startswith("/") and path.endswith("/" + asked):
        view.process.directory = path[: -len(asked) - 1] or "/"


def _stat(size_index: int, path_of: Callable[[CallView], str | None]) -> Converter:
    """A converter of a stat call; `path_of` is None for the descriptor in the first argument."""

    def convert(view: CallView) -> None:
        path = path_of(view)
        if view.failed:
            if view.error in GONE and path:
                view.world.names.missing.add(path)
            return
        structure = view.arguments[size_index] if view.has(size_index) else b""
        if not structure.startswith(b"{"):
            return
        members = fields(structure)
        mode = members.get(b"st_mode", members.get(b"stx_mode", b""))
        size = members.get(b"st_size", members.get(b"stx_size"))
        if size is None or not mode.startswith(b"S_IFREG"):
            return
        if path is None:
            opening = view.opening(0)
        else:
            node = view.world.names.nodes.get(path)
            if node is None:
                return
            opening = Opening("file", node.file, node)
        if opening.node is not None:
            sized(view, opening, number(size))

    return convert


def _by_path(view: CallView) -> str | None:
    return view.path_here(0) if view.arguments[0].startswith(b'"') else ""


def _by_path_at(view: CallView) -> str | None:
    """The path of newfstatat and statx; an empty one means the descriptor itself."""
    if not view.arguments[1].startswith(b'"'):
        return None if view.arguments[1].startswith(b"NULL") else ""
    if view.arguments[1] == b'""':
        return None
    return view.path_at(0, 1)


def _synced(scope: Literal["all", "data", "filesystem"]) -> Converter:
    def convert(view: CallView) -> None:
        node = view.opening(0).node
        if node is not None:
            view.world.out.append(Synced(**view.at, file=node.file, scope=scope))

    return convert


def _sync(view: CallView) -> None:
    view.world.out.append(Synced(**view.at, file=None, scope="filesystem"))


def _sync_file_range(view: CallView) -> None:
    node = view.opening(0).node
    shift = 1 if view.call.name.endswith("2") else 0
    if node is not None:
        view.world.out.append(
            Synced(
                **view.at,
                file=node.file,
                scope="range",
                offset=view.number(1 + shift),
                byte_count=view.number(2 + shift),
            )
        )


def _resized(view: CallView, node: FileNode, size: int) -> None:
    node.size_byte_count = size
    view.world.out.append(Resized(**view.at, file=node.file, size_byte_count=size))


def _ftruncate(view: CallView) -> None:
    node = view.opening(0).node
    if node is not None and not view.failed:
        _resized(view, node, view.number(len(view.arguments) - 1))


def _truncate(view: CallView) -> None:
    if not view.failed:
        node = view.world.names.node(view.path_here(0))
        _resized(view, node, view.number(len(view.arguments) - 1))


def _fallocate(view: CallView) -> None:
    node = view.opening(0).node
    if node is None or view.failed:
        return
    mode = "" if view.arguments[1] == b"0" else view.arguments[1].decode()
    offset, count = view.number(2), view.number(3)
    view.world.out.append(
        Allocated(**view.at, file=node.file, offset=offset, byte_count=count, mode=mode)
    )
    if "COLLAPSE_RANGE" in mode or "INSERT_RANGE" in mode:
        if node.size_byte_count is not None:
            node.size_byte_count += count if "INSERT" in mode else -count
    elif "KEEP_SIZE" not in mode:
        node.grown_to(offset + count)


CONVERTERS: Mapping[str, Converter] = {
    "open": _open,
    "openat": _openat,
    "openat2": _openat2,
    "creat": _creat,
    "open_by_handle_at": _open_by_handle,
    "memfd_create": _memfd,
    "memfd_secret": _memfd,
    "stat": _stat(1, _by_path),
    "stat64": _stat(1, _by_path),
    "lstat": _stat(1, _by_path),
    "lstat64": _stat(1, _by_path),
    "fstat": _stat(1, lambda _view: None),
    "fstat64": _stat(1, lambda _view: None),
    "newfstatat": _stat(2, _by_path_at),
    "fstatat64": _stat(2, _by_path_at),
    "statx": _stat(4, _by_path_at),
    "fsync": _synced("all"),
    "fdatasync": _synced("data"),
    "syncfs": _synced("filesystem"),
    "sync": _sync,
    "sync_file_range": _sync_file_range,
    "sync_file_range2": _sync_file_range,
    "truncate": _truncate,
    "truncate64": _truncate,
    "ftruncate": _ftruncate,
    "ftruncate64": _ftruncate,
    "fallocate": _fallocate,
}
