"""`results.jsonl`: one line for each finished run, so that an interrupted sweep goes on.

A line is written by one `write` to a descriptor opened with O_APPEND, so that runs of the same
sweep side by side do not mix theirs. A line that an interruption cut is left where it is, ended,
and not counted. Lines of another model (other code, and so perhaps other figures) don't count
either.
"""

import functools
import hashlib
import os
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct

from iowitness.what_if.point_result import PointResult

FILE_NAME = "results.jsonl"


class _Line(Struct, frozen=True, kw_only=True):
    key: str
    model: str
    result: PointResult


class ResultsFile:
    """The results of one folder. Used as a context manager it closes its descriptor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = model_digest()
        self.results: dict[str, PointResult] = {}
        torn = self._read()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        if torn:
            os.write(self._descriptor, b"\n")

    def add(self, key: str, result_json: bytes) -> PointResult:
        """Keep a result, as `run_task` gave it, and return it."""
        result = msgspec.json.decode(result_json, type=PointResult)
        line = _Line(key=key, model=self._model, result=result)
        content = msgspec.json.encode(line) + b"\n"
        written = os.write(self._descriptor, content)
        if written != len(content):  # a full disk: the torn line is dropped at the next reading
            raise OSError(f"{self._path}: wrote {written} of {len(content)} bytes")
        self.results[key] = result
        return result

    def reread(self) -> None:
        """Take over what the file has: an interruption may come just after a line was written."""
        self._read()

    def _read(self) -> bool:
        """Take over what is there; returns whether the last line is cut."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return False
        for text in content.splitlines():
            try:
                line = msgspec.json.decode(text, type=_Line)
            except msgspec.DecodeError:
                continue
            if line.model == self._model:
                self.results[line.key] = line.result
        return bool(content) and not content.endswith(b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)


@functools.cache
def model_digest() -> str:
    """What the model's code is known by: results of other code are not taken for its own."""
    digest = hashlib.sha256()
    folder = resources.files("iowitness.model")
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".py"):
            digest.update(entry.name.encode() + b"\0" + entry.read_bytes())
    return digest.hexdigest()[:16]
