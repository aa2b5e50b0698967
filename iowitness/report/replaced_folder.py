"""A folder that appears under its name only when it is whole."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


class ArtifactsError(Exception):
    """A folder that cannot take a report, or that holds none."""


@contextlib.contextmanager
def replaced_folder(folder: Path, known_by: str) -> Iterator[Path]:
    """A new folder beside `folder` to fill, which takes its name and place at the end.

    An earlier folder of that name is replaced if it is empty or holds a file `known_by`; anything
    else is somebody's own, and stays: `ArtifactsError`. Whatever ends the block early, an error,
    a full disk or Ctrl-C, what was there before is there after, and what was written is gone.
    """
    folder = folder.resolve()
    _must_be_replaceable(folder, known_by)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(aside, ignore_errors=True)  # left by a process of this number that was killed
    aside.mkdir()
    try:
        yield aside
        _exchange(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, and nothing between."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _must_be_replaceable(folder: Path, known_by: str) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ArtifactsError(f"{folder}: is no folder; expected a folder or a free name")
    if any(folder.iterdir()) and not (folder / known_by).is_file():
        raise ArtifactsError(
            f"{folder}: holds files, and no {known_by} among them; expected an empty folder, an "
            "earlier report or a free name: what is not a report is never replaced"
        )


def _exchange(aside: Path, folder: Path) -> None:
    """Put the new folder in the place of the old one, and remove the old one."""
    if not folder.is_dir() or not any(folder.iterdir()):
        aside.rename(folder)  # onto nothing, or onto an empty folder: rename(2) allows both
        return
    old = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
    folder.rename(old)
    try:
        aside.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
