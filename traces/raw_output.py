"""Where strace writes to: a file, or a named pipe from which the text is compressed as it comes."""

import gzip
import os
import shutil
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import zstandard

_CHUNK_BYTE_COUNT = 1 << 20


class RawOutput:
    """The path to give to strace's -o, for as long as the context lasts.

    For a name that ends in `.gz` or `.zst` this is a named pipe, and a thread carries the text
    over: traces of hundreds of megabytes shrink to a tenth and never lie on the disk in full.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.path = output
        self._folder: Path | None = None
        self._carrier: threading.Thread | None = None

    def __enter__(self) -> "RawOutput":
        if self.output.suffix in (".gz", ".zst"):
            self._folder = Path(tempfile.mkdtemp(prefix="iowitness-"))
            self.path = self._folder / "strace"
            os.mkfifo(self.path, 0o600)
            self._carrier = threading.Thread(target=self._carry, name="compress trace", daemon=True)
            self._carrier.start()
        return self

    def _carry(self) -> None:
        with open(self.path, "rb") as text, compressing(self.output) as packed:
            shutil.copyfileobj(text, packed, _CHUNK_BYTE_COUNT)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._carrier is None or self._folder is None:
            return
        if self._carrier.is_alive():
            self._let_go()
        self._carrier.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _let_go(self) -> None:
        """End the carrier's wait for a writer, should strace never have opened the pipe."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return


def compressing(path: Path) -> IO[bytes]:
    """A file to write to, compressed as its name's ending says; without the time in it."""
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))
    if path.suffix == ".zst":
        return cast("IO[bytes]", zstandard.open(path, "wb"))
    return open(path, "wb")
