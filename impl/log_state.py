"""Whether a log may be used: open, closed, or fenced after a failed write or sync."""

import contextlib
from collections.abc import Iterator

from iowitness.impl.errors import LogClosed, LogFenced


class LogState:
    """Of one open log. `fault` is the error that fenced it; None while nothing has failed."""

    __slots__ = ("_directory", "fault", "is_closed")

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.is_closed = False
        self.fault: OSError | None = None

    def check(self) -> None:
        """Raises `LogClosed` or `LogFenced` for a log that must not be used."""
        if self.is_closed:
            raise LogClosed(f"{self._directory} is closed")
        if self.fault is not None:
            raise LogFenced(
                f"{self._directory} is fenced since {self.fault}: nobody knows what is on the "
                "disk; make room or mend it, then open the log anew"
            )

    def fence(self, error: OSError) -> None:
        """Nothing more is taken or given."""
        if self.fault is None:
            self.fault = error

    @contextlib.contextmanager
    def fencing(self) -> Iterator[None]:
        """Work after whose failure the files may be anything."""
        try:
            yield
        except OSError as error:
            self.fence(error)
            raise
