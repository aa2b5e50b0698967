"""A program under strace while a test talks to it, for judging what it did."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from iowitness.specs import Verdict, load_suite
from iowitness.trace_sources import judged_stream
from iowitness.traces.capture import capture

T = TypeVar("T")
_PATIENCE_S = 30.0


def needed(name: str, *folders: str) -> str:
    """The path of a program, or the test is skipped by its name."""
    found = shutil.which(name) or shutil.which(name, path=":".join(("/usr/sbin", *folders)))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def once_it_answers(action: Callable[[], T], *errors: type[Exception]) -> T:
    """Repeat until the server does."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return action()
        except (OSError, *errors):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def traced(
    command: Sequence[str], raw: Path, talk: Callable[[], None] = lambda: None, **options: Any
) -> None:
    """Run the command under strace; `talk` runs beside it, and has to make it end."""
    failures: list[Exception] = []

    def run() -> None:
        try:
            capture(command, output=raw, most_s=2 * _PATIENCE_S, **options)
        except Exception as error:  # noqa: BLE001  # raised again by the test's own thread
            failures.append(error)

    server = threading.Thread(target=run)
    server.start()
    try:
        talk()
    finally:
        server.join()
    if failures:
        raise failures[0]


def judged(raw: Path, suite_name: str, **settings: str) -> Mapping[str, Verdict]:
    """The verdicts of a ready suite on a raw trace, by contract."""
    suite = load_suite(suite_name, settings)
    found = judged_stream(raw, suite.contracts_for_traces, suite.root)
    return {verdict.contract: verdict for verdict in found.verdicts}
