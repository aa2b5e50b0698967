"""A headless Chromium, spoken to over a pipe: what a reader's browser makes of a page.

Source: Chrome DevTools Protocol; `--remote-debugging-pipe` reads commands from descriptor 3 and
writes answers and events to 4, each a JSON text ended by a zero byte.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LIMIT_S = 60
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

Message = dict[str, Any]


def chromium_path() -> str | None:
    """Where Chromium is, under either of its names."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Chromium:
    """One page of one browser. Events that nobody waited for are kept in `events`."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[Message] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> Message:
        """One command and its answer."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def open(self, path: Path, width: int = 1280, scheme: str = "light") -> None:
        """Show a file at a width in CSS pixels and a colour scheme, until two frames are drawn."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self.call("Page.navigate", url=path.as_uri())
        while not self.methods("Page.loadEventFired"):
            self.events.append(self._next())
        self.value("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def value(self, expression: str) -> Any:
        """What an expression is in the page, promises awaited."""
        found = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and let go of a key, by its DOM name."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def methods(self, *names: str) -> list[Message]:
        """Events so far of some kinds."""
        return [event for event in self.events if event.get("method") in names]

    def complaints(self) -> list[Message]:
        """Everything that a console would show, and uncaught exceptions."""
        return self.methods(
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        )

    def requested_urls(self) -> list[str]:
        """All that the page asked for, itself included."""
        return [
            str(event["params"]["request"]["url"])
            for event in self.methods("Network.requestWillBeSent")
        ]

    def _next(self) -> Message:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], _LIMIT_S)
            assert ready, f"chromium said nothing for {_LIMIT_S} s"
            chunk = os.read(self._answers, 1 << 20)
            assert chunk, "chromium ended"
            self._unread += chunk
        text, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(text))


@contextlib.contextmanager
def chromium() -> Iterator[Chromium]:
    """A browser for as long as the block lasts, with a profile of its own."""
    path = chromium_path()
    assert path is not None
    profile = tempfile.mkdtemp(prefix="iowitness-chromium-")
    (read_end, commands), (answers, write_end) = os.pipe(), os.pipe()
    # Above 4, so that none of them is one of the two it becomes.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (read_end, write_end)]
    quiet = os.open(os.devnull, os.O_RDWR)
    process_id = os.posix_spawn(
        path,
        [path, *_OPTIONS, f"--user-data-dir={profile}"],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, quiet, 2),
            (os.POSIX_SPAWN_DUP2, ends[0], 3),
            (os.POSIX_SPAWN_DUP2, ends[1], 4),
        ],
        setpgroup=0,
    )
    for descriptor in (read_end, write_end, *ends, quiet):
        os.close(descriptor)
    try:
        yield Chromium(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process_id, signal.SIGKILL)
        os.waitpid(process_id, 0)
        shutil.rmtree(profile, ignore_errors=True)
