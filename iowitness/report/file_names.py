"""Names of files as a report shows them, and which files it draws."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from iowitness.traces.events import File

_SYSTEM_FOLDERS = ("/proc/", "/sys/", "/dev/", "/usr/", "/lib", "/etc/", "/bin/", "/opt/")
_PROGRAM_FILE = re.compile(r"/lib(64)?/|\.(so(\.[0-9.]+)?|pyc|jar)$")
_SEGMENT = re.compile(r"/[0-9]+\.log$")


def relative_path(path: str, root: str) -> str:
    """The path below the root; unchanged where it lies elsewhere or there is no root."""
    if root and path.startswith(root.rstrip("/") + "/"):
        return path[len(root.rstrip("/")) + 1 :]
    return path


def is_below(path: str, root: str) -> bool:
    """True if the path lies below the root; with no root every path does that is no program's."""
    if root:
        return path.startswith(root.rstrip("/") + "/")
    return not path.startswith(_SYSTEM_FOLDERS) and not _PROGRAM_FILE.search(path)


def is_segment(path: str) -> bool:
    """True for a segment of a log as Kafka names it: its base offset in digits, and `.log`."""
    return _SEGMENT.search(path) is not None


def folder_and_name(path: str) -> tuple[str, str]:
    """The folder of a path, and its last part."""
    pure = PurePosixPath(path)
    return str(pure.parent), pure.name


def short_name(name: str) -> str:
    """A segment's name without the zeros that pad it: `1234.log`."""
    stem, dot, ending = name.partition(".")
    return (stem.lstrip("0") or "0") + dot + ending if stem.isdigit() else name


def drawn_files(files: Iterable[File], root: str) -> frozenset[str]:
    """The paths that get a chart: segments below the root, or all files there if it has none."""
    below = {file.path for file in files if is_below(file.path, root)}
    return frozenset(path for path in below if is_segment(path)) or frozenset(below)
