"""The fixture's value: makes traces of this process and of commands, and judges each at its end."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from iowitness.pytest_plugin.attached_trace import AttachedTrace
from iowitness.pytest_plugin.marked_contracts import contracts_of_test
from iowitness.pytest_plugin.settings import PluginSettings
from iowitness.pytest_plugin.trace import Trace
from iowitness.pytest_plugin.untraceable import misused
from iowitness.traces.attachment import Attachment
from iowitness.traces.capture import capture
from iowitness.traces.strace_command import CaptureTimedOut

LITTLE_CONTENT_BYTE_COUNT = 32
"""What is kept of each buffer where no contract looks into buffers."""


@dataclass(frozen=True, slots=True)
class TracedRun:
    """A command that ran under strace: its exit status (negative: a signal), output and trace."""

    exit_status: int
    stdout: str
    stderr: str
    trace: Trace


class IoTrace:
    """Makes the traces of one test, `trace_count` of them so far."""

    def __init__(
        self,
        request: pytest.FixtureRequest,
        settings: PluginSettings,
        folders: pytest.TempPathFactory,
    ) -> None:
        self._item: pytest.Item = request.node
        self._settings = settings
        self._groups = contracts_of_test(request, settings)
        self._traces: list[Trace] = []
        self._is_attached = False
        self.folder = folders.mktemp("iowitness")

    @property
    def trace_count(self) -> int:
        """Traces begun so far."""
        return len(self._traces)

    def __call__(self, *, content_byte_count: int | None = None) -> AttachedTrace:
        """Trace this process with all its threads, and what it starts, for the length of a `with`.

        The trace is complete when the `with` is left, and judged then. `content_byte_count` is how
        much of each buffer to keep; by default as much as the contracts need.
        """
        if self._is_attached:
            misused("a trace is running, expected its `with` to be left before the next one")
        trace = self._new_trace()
        attachment = Attachment(
            os.getpid(),
            output=trace.raw,
            content_byte_count=self._content(content_byte_count),
            strace=self._settings.strace,
        )
        self._is_attached = True
        return AttachedTrace(
            trace,
            attachment,
            phase=f"io_trace-{self.trace_count}",
            is_required=self._settings.is_required,
            judge=self._judge,
            left=self._left,
        )

    def run(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        input: str = "",  # noqa: A002  # the word of subprocess
        timeout: float | None = 60.0,
        content_byte_count: int | None = None,
    ) -> TracedRun:
        """Run a command under strace to its end, judge its trace, and return what it said.

        `timeout` is in seconds; a command that takes longer is killed with all that it started,
        and the test fails. `env` replaces the whole environment, as in `subprocess`.
        """
        __tracebackhide__ = True
        trace = self._new_trace()
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as said,
            tempfile.TemporaryFile() as complained,
        ):
            given.write(input.encode())
            given.seek(0)
            try:
                result = capture(
                    command,
                    output=trace.raw,
                    content_byte_count=self._content(content_byte_count),
                    stdin=given,
                    stdout=said,
                    stderr=complained,
                    cwd=None if cwd is None else Path(cwd),
                    env=env,
                    strace=self._settings.strace,
                    most_s=timeout,
                )
            except CaptureTimedOut as error:
                misused(f"{error}\n{_text(complained)}")
            finally:
                trace.end()
            run = TracedRun(result.exit_status or 0, _text(said), _text(complained), trace)
        self._judge(trace)
        return run

    def close(self, *, test_failed: bool) -> None:
        """Keep or remove what the traces left, when the test is over."""
        for trace in self._traces:
            trace.keep()
        if not test_failed:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _left(self) -> None:
        self._is_attached = False

    def _new_trace(self) -> Trace:
        name = f"trace-{len(self._traces) + 1}"
        folder = self.folder / name
        folder.mkdir()
        kept = self._settings.folder
        artifacts = None if kept is None else kept / _folder_name(self._item) / name
        trace = Trace(self._item, folder, artifacts)
        self._traces.append(trace)
        return trace

    def _content(self, given: int | None) -> int:
        if given is not None:
            return given
        wanted = (group.content_byte_count or 0 for group in self._groups)
        return max(LITTLE_CONTENT_BYTE_COUNT, *wanted, 0)

    def _judge(self, trace: Trace) -> None:
        __tracebackhide__ = True
        if self._groups:
            trace.check_groups(self._groups)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _folder_name(item: pytest.Item) -> str:
    """A folder's name from a test's: readable, and unlike those of other tests."""
    readable = re.sub(r"[^\w.=-]+", "-", item.nodeid.replace("::", "--"))[-80:].strip("-")
    return f"{readable}-{hashlib.sha256(item.nodeid.encode()).hexdigest()[:8]}"
