"""How many records and bytes went by, how fast: on a terminal meanwhile, and a line at the end.

All of it goes to standard error, because standard output may be where the records go.
"""

import sys
import time
from types import TracebackType
from typing import Self

import click

_REFRESH_S = 0.25


class Tally:
    """Counts between `with` and its end; shows itself where standard error is a terminal."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._is_shown = sys.stderr.isatty()
        self._started_s = self._shown_s = time.monotonic()
        self.record_count = 0
        self.byte_count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_shown:
            click.echo("\r\x1b[K", nl=False, err=True)
        click.echo(self.sentence, err=True)

    def add(self, record_count: int, byte_count: int) -> None:
        """Count what went by."""
        self.record_count += record_count
        self.byte_count += byte_count
        now_s = time.monotonic()
        if self._is_shown and now_s - self._shown_s >= _REFRESH_S:
            self._shown_s = now_s
            click.echo(f"\r\x1b[K{self.sentence}", nl=False, err=True)

    @property
    def sentence(self) -> str:
        """What has gone by until now, in words."""
        elapsed_s = max(time.monotonic() - self._started_s, 1e-9)
        return (
            f"{self._verb} {self.record_count:,} records, {self.byte_count:,} B in "
            f"{elapsed_s:.2f} s: {self.record_count / elapsed_s:,.0f} records/s, "
            f"{self.byte_count / elapsed_s / 2**20:,.1f} MiB/s"
        )
