"""Converters of the calls about names: rename, link, remove, directories.

A call that says a name does not exist yields no event, but a file created there later starts empty.
Source: rename(2), link(2), symlink(2), unlink(2), mkdir(2), chdir(2).
"""

from collections.abc import Callable, Mapping
from posixpath import dirname

from iowitness.traces.byte_calls import Converter
from iowitness.traces.call_view import CallView
from iowitness.traces.events import DirectoryMade, Linked, Renamed, Unlinked
from iowitness.traces.file_names import resolved
from iowitness.traces.trace_error import TraceError, quoted

GONE = ("ENOENT", "ENOTDIR")
"""The errors that say that a name does not exist."""


def _rename(view: CallView) -> None:
    _renamed(view, view.path_here(0), view.path_here(1), exchanged=False)


def _renameat(view: CallView) -> None:
    exchanged = b"RENAME_EXCHANGE" in view.flags(4)
    _renamed(view, view.path_at(0, 1), view.path_at(2, 3), exchanged=exchanged)


def _renamed(view: CallView, old: str, new: str, *, exchanged: bool) -> None:
    if view.failed:
        return
    names = view.world.names
    file, replaced = names.exchange(old, new) if exchanged else names.rename(old, new)
    view.world.out.append(
        Renamed(
            **view.at,
            file=None if file is None else file.file,
            old_path=old,
            new_path=new,
            replaced=None if replaced is None else replaced.file,
            exchanged=exchanged,
        )
    )


def _linked(view: CallView, old: str, new: str, *, symbolic: bool) -> None:
    if view.failed:
        return
    names = view.world.names
    if symbolic:
        names.missing.discard(new)
        node = names.nodes.get(resolved(dirname(new), old))
    else:
        node = names.link(old, new)
    view.world.out.append(
        Linked(
            **view.at,
            file=None if node is None else node.file,
            target_path=old,
            new_path=new,
            symbolic=symbolic,
        )
    )


def _link(view: CallView) -> None:
    _linked(view, view.path_here(0), view.path_here(1), symbolic=False)


def _linkat(view: CallView) -> None:
    new = view.path_at(2, 3)
    if view.arguments[1] != b'""':
        _linked(view, view.path_at(0, 1), new, symbolic=False)
        return
    node = view.opening(0).node  # AT_EMPTY_PATH: an O_TMPFILE file gets its first name
    if node is None or view.failed:
        return
    old = node.file.path
    node.names = {new}
    node.unlinked = False
    view.world.names.nodes[new] = node
    view.world.names.missing.discard(new)
    view.world.out.append(Linked(**view.at, file=node.file, target_path=old, new_path=new))


def _symlink(view: CallView) -> None:
    _linked(view, view.path(0), view.path_here(1), symbolic=True)


def _symlinkat(view: CallView) -> None:
    _linked(view, view.path(0), view.path_at(1, 2), symbolic=True)


def _unlinked(view: CallView, path: str, *, directory: bool) -> None:
    if view.failed:
        if view.error in GONE:
            view.world.names.missing.add(path)
        return
    node = view.world.names.unlink(path)
    file = None if node is None else node.file
    view.world.out.append(Unlinked(**view.at, file=file, path=path, directory=directory))


def _unlink(view: CallView) -> None:
    _unlinked(view, view.path_here(0), directory=view.name == "rmdir")


def _unlinkat(view: CallView) -> None:
    _unlinked(view, view.path_at(0, 1), directory=b"AT_REMOVEDIR" in view.flags(2))


def _mkdir(view: CallView) -> None:
    _directory_made(view, view.path_here(0))


def _mkdirat(view: CallView) -> None:
    _directory_made(view, view.path_at(0, 1))


def _directory_made(view: CallView, path: str) -> None:
    if not view.failed:
        view.world.names.directory_made(path)
        view.world.out.append(DirectoryMade(**view.at, path=path))


def _missing(path_of: Callable[[CallView], str]) -> Converter:
    """A converter of a call that yields no event but may say that a name does not exist."""

    def convert(view: CallView) -> None:
        if view.error in GONE:
            view.world.names.missing.add(path_of(view))

    return convert


def _chdir(view: CallView) -> None:
    if not view.failed:
        view.process.directory = view.path_here(0)


def _fchdir(view: CallView) -> None:
    if not view.failed:
        view.process.directory = view.directory(view.arguments[0])


def _getcwd(view: CallView) -> None:
    if not view.failed and view.arguments[0].startswith(b'"'):
        path = view.path(0)
        if not path.startswith("/"):
            raise TraceError(f"argument={quoted(view.arguments[0])}, expected an absolute path")
        view.process.directory = path


def _here(view: CallView) -> str:
    return view.path_here(0)


def _there(view: CallView) -> str:
    return view.path_at(0, 1)


CONVERTERS: Mapping[str, Converter] = {
    "access": _missing(_here),
    "faccessat": _missing(_there),
    "faccessat2": _missing(_there),
    "rename": _rename,
    "renameat": _renameat,
    "renameat2": _renameat,
    "link": _link,
    "linkat": _linkat,
    "symlink": _symlink,
    "symlinkat": _symlinkat,
    "unlink": _unlink,
    "unlinkat": _unlinkat,
    "rmdir": _unlink,
    "mkdir": _mkdir,
    "mkdirat": _mkdirat,
    "chdir": _chdir,
    "fchdir": _fchdir,
    "getcwd": _getcwd,
}
