"""Events about directory entries: renamed, linked, unlinked, made."""

from iowitness.traces.event_base import File, IOEvent


class Renamed(IOEvent, frozen=True, kw_only=True, gc=False):
    """A directory entry changed its name. Source: rename(2), renameat2(2).

    `file` and `replaced` (what the new name stood for before) are None where the history never
    met the file. `exchanged` is RENAME_EXCHANGE.
    """

    file: File | None
    old_path: str
    new_path: str
    replaced: File | None = None
    exchanged: bool = False


class Linked(IOEvent, frozen=True, kw_only=True, gc=False):
    """A file got a further name, hard or symbolic. Source: link(2), symlink(2)."""

    file: File | None
    target_path: str
    new_path: str
    symbolic: bool = False


class Unlinked(IOEvent, frozen=True, kw_only=True, gc=False):
    """A directory entry went away. Source: unlink(2), rmdir(2)."""

    file: File | None
    path: str
    directory: bool = False


class DirectoryMade(IOEvent, frozen=True, kw_only=True, gc=False):
    """A directory came to be. Source: mkdir(2)."""

    path: str
