"""Converters of the calls that open, size and sync files.

Source: open(2), stat(2), truncate(2), fallocate(2), fsync(2).
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

from msgspec import Struct, structs

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
from iowitness.traces.file_names import FileNames, FileNode
from iowitness.traces.name_calls import GONE
from iowitness.traces.processes import Thread
from iowitness.traces.strace_text import fields, flags, number
from iowitness.traces.trace_error import TraceError, quoted


class OpenFlags(Struct, frozen=True, gc=False):
    """What the flags of an open call say."""

    access: Literal["read", "write", "read-write", "path"]
    creates: bool
    starts_empty: bool
    is_nameless: bool
    truncates: bool
    append: bool
    close_on_exec: bool
    direct: bool
    synchronous: bool


@lru_cache(maxsize=1024)
def open_flags(argument: bytes) -> OpenFlags:
    """The meaning of `O_WRONLY|O_CREAT|...`; programs use few combinations, which are kept."""
    if argument[:1].isdigit():
        raise TraceError(
            f"flags={quoted(argument)}, expected names: trace without -X raw, whose numbers "
            "differ between architectures"
        )
    names = flags(argument)
    access: Literal["read", "write", "read-write", "path"] = "read"
    if b"O_PATH" in names:
        access = "path"
    elif b"O_RDWR" in names:
        access = "read-write"
    elif b"O_WRONLY" in names:
        access = "write"
    nameless = b"O_TMPFILE" in names
    return OpenFlags(
        access=access,
        creates=nameless or b"O_CREAT" in names,
        starts_empty=nameless or {b"O_CREAT", b"O_EXCL"} <= names,
        is_nameless=nameless,
        truncates=b"O_TRUNC" in names,
        append=b"O_APPEND" in names,
        close_on_exec=b"O_CLOEXEC" in names,
        direct=b"O_DIRECT" in names,
        synchronous=bool(names & {b"O_SYNC", b"O_DSYNC"}),
    )


def _open(view: CallView) -> None:
    _opened(view, view.path_here(0), open_flags(view.arguments[1]))


def _openat(view: CallView) -> None:
    _opened(view, view.path_at(0, 1), open_flags(view.arguments[2]))


def _openat2(view: CallView) -> None:
    how = fields(view.arguments[2])
    _opened(view, view.path_at(0, 1), open_flags(how.get(b"flags", b"")))


def _creat(view: CallView) -> None:
    _opened(view, view.path_here(0), open_flags(b"O_WRONLY|O_CREAT|O_TRUNC"))


def _open_by_handle(view: CallView) -> None:
    _opened(view, "", open_flags(view.arguments[2]))


def _memfd(view: CallView) -> None:
    asked = "/memfd:" + view.path(0) if view.arguments[0].startswith(b'"') else "/secretmem"
    closing = b"CLOEXEC" in view.arguments[-1]
    _opened(view, asked, open_flags(b"O_RDWR|O_TMPFILE" + (b"|O_CLOEXEC" if closing else b"")))


def _opened(view: CallView, asked: str, how: OpenFlags) -> None:
    """A file was opened under the name `asked`; strace's decoration knows better where it is."""
    if view.failed or view.result is None:
        if view.error in GONE and asked:
            view.world.names.missing.add(asked)
        return
    shown = read_decoration(view.result_text)
    path = shown.path if shown.kind == "file" else asked
    if asked != path:
        _learn_directory(view, asked, path)
    node = opened_node(view.world.names, path, how, deleted=shown.deleted)
    view.process.table.bind(
        view.result,
        Opening("file", node.file, node, 0, how.append),
        close_on_exec=how.close_on_exec,
        text=view.result_text,
    )
    view.world.out.append(
        opened_event(
            view.start_ns,
            view.end_ns,
            view.thread,
            view.name,
            view.line,
            view.resumed_line,
            node,
            view.result,
            how,
        )
    )


def opened_node(names: FileNames, path: str, how: OpenFlags, *, deleted: bool) -> FileNode:
    """The file that an open of `path` led to; it starts empty where nothing can have been there."""
    starts_empty = how.starts_empty or (how.creates and names.is_new(path))
    if starts_empty and path in names.nodes:
        names.unlink(path)  # O_EXCL succeeded: someone outside removed the file that had the name
    node = names.nameless(path) if deleted or how.is_nameless else names.node(path)
    names.missing.discard(path)
    if starts_empty or how.truncates:
        node.size_byte_count = 0
    return node


def opened_event(  # the parts of the event
    start_ns: int,
    end_ns: int,
    thread: Thread,
    call: str,
    line: int,
    resumed_line: int,
    node: FileNode,
    descriptor: int,
    how: OpenFlags,
) -> Opened:
    """The event of an open that succeeded.

    Sixteen keywords and more would make Python build a dictionary for them: six times slower.
    """
    event = Opened(
        start_ns=start_ns,
        end_ns=end_ns,
        process_id=thread.process.process_id,
        thread_id=thread.thread_id,
        call=call,
        line=line,
        resumed_line=resumed_line,
        file=node.file,
        descriptor=descriptor,
        access=how.access,
        size_byte_count=node.size_byte_count,
        append=how.append,
        created=how.creates,
        truncated=how.truncates,
        close_on_exec=how.close_on_exec,
    )
    if how.direct or how.synchronous:
        return structs.replace(event, direct=how.direct, synchronous=how.synchronous)
    return event


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
    shift = 1 if view.name.endswith("2") else 0
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
