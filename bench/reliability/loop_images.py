"""Small file systems of our own in files, mounted where no other process sees them.

Everything lies in a tmpfs within a mount namespace of this process: when the process ends, however
it ends, the kernel takes the mounts and the loop devices away. After a kill -9 a folder with a note
in it is left, to be removed only when that process has gone.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

PACKAGES: Final = {"mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "mount": "mount"}
_CLONE_NEWNS: Final = 0x00020000
_PR_SET_PDEATHSIG: Final = 1
_SHUTDOWN: Final = 0x8004587D
"""EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN. Source: fs/ext4/ext4.h, fs/xfs/libxfs/xfs_fs.h."""
_MKFS: Final = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


class CannotMount(Exception):
    """mkfs or mount has failed; the text is theirs."""


def leave_if_missing(kinds: list[str]) -> None:
    """Exit 3, and say what, where something that is needed for these file systems is missing."""
    tools = ["mount", *(_MKFS[kind][0] for kind in kinds if kind in _MKFS)]
    missing = [f"{tool} (package {PACKAGES[tool]})" for tool in tools if shutil.which(tool) is None]
    if os.geteuid() != 0:
        missing.insert(0, "root")
    if len(tools) > 1 and not Path("/dev/loop-control").exists():
        missing.append("/dev/loop-control")
    if missing:
        _leave(f"missing: {', '.join(missing)}")


def _leave(why: str) -> None:
    print(why, file=sys.stderr)
    sys.exit(3)


@contextmanager
def private_folder() -> Iterator[Path]:
    """An empty tmpfs that only this process and its children see. SIGTERM ends it in good order."""
    signal.signal(signal.SIGTERM, _end)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        _leave(f"missing: CAP_SYS_ADMIN: unshare: {os.strerror(ctypes.get_errno())}")
    _run("mount", "--make-rprivate", "/")
    folder = Path(tempfile.mkdtemp(prefix="loop-images-"))
    # A rmdir from outside would detach the mounts in here, and the loop devices for good.
    note = folder / "in-use"
    note.write_text(f"by process {os.getpid()}\n")
    try:
        _run("mount", "-t", "tmpfs", "none", str(folder))
        try:
            yield folder
        finally:
            _run("umount", "--lazy", str(folder))
    finally:
        note.unlink()
        folder.rmdir()


def die_with_parent() -> None:
    """For a forked child: killed as soon as its parent ends, or it would keep the mounts alive.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)


@dataclass(frozen=True, slots=True)
class LoopImage:
    """A file system in a file: `image`, mounted at `folder` through a loop device."""

    kind: str
    image: Path
    folder: Path

    @classmethod
    def make(cls, kind: str, within: Path, byte_count: int) -> "LoopImage":
        """A new, empty one, not mounted yet. Raises `CannotMount`."""
        made = cls(kind, within / f"{kind}.image", within / kind)
        made.image.unlink(missing_ok=True)
        with made.image.open("wb") as file:
            file.truncate(byte_count)
        made.folder.mkdir(exist_ok=True)
        _run(*_MKFS[kind], str(made.image))
        return made

    def mount(self) -> None:
        """The loop device goes away with the mount. Raises `CannotMount`."""
        _run("mount", "-t", self.kind, "-o", "loop", str(self.image), str(self.folder))

    def unmount(self) -> None:
        """Nobody may have a file open there. Raises `CannotMount`."""
        _run("umount", str(self.folder))

    def shut_down(self, flags: int) -> None:
        """It stops at once. `flags`: 0 flushes all first, 1 only the journal, 2 nothing."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Never the file system around it, should ours not be mounted.
            assert os.fstat(descriptor).st_dev != os.stat(self.image).st_dev, self.folder
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("=I", flags))
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """A file system in memory, of a fixed size."""

    folder: Path
    byte_count: int
    kind: str = "tmpfs"

    @classmethod
    def make(cls, within: Path, byte_count: int) -> "Tmpfs":
        """A new one, not mounted yet."""
        made = cls(within / "tmpfs", byte_count)
        made.folder.mkdir()
        return made

    def mount(self) -> None:
        """Empty. Raises `CannotMount`."""
        _run("mount", "-t", "tmpfs", "-o", f"size={self.byte_count}", "none", str(self.folder))

    def unmount(self) -> None:
        """Nobody may have a file open there. Raises `CannotMount`."""
        _run("umount", str(self.folder))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotMount(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
