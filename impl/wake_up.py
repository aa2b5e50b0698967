"""What ends the sleep of an event loop: a pipe that other threads and signals write to.

A signal's Python handler runs between bytecodes. One that comes after the last of them and before
epoll_wait(2) sleeps would be noticed only when something else wakes the loop, perhaps never; so the
interpreter's own C handler writes to the pipe too. A pipe and no eventfd, because it writes one
byte and an eventfd takes eight. Source: signal.set_wakeup_fd, pipe(7).
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable


class WakeUp:
    """The pipe. `descriptor` is readable once woken, until `drain`."""

    __slots__ = ("_has_signals", "_lock", "_writer", "descriptor")

    def __init__(self) -> None:
        self.descriptor, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._has_signals = False
        self._lock = threading.RLock()  # taken again where a signal comes within `wake` or `close`

    def wake(self) -> None:
        """End the sleep; from any thread or signal handler. Does nothing once closed.

        Who asks a loop to stop may find that it has stopped already, woken by something else.
        """
        with self._lock, contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            if self._writer >= 0:
                os.write(self._writer, b"\0")

    def on_signals(self, signals: tuple[signal.Signals, ...], action: Callable[[], None]) -> None:
        """Run `action` on these signals, and wake. Only the main thread may call it."""
        for number in signals:
            signal.signal(number, lambda *_: action())
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._has_signals = True

    def drain(self) -> None:
        """Forget the wakes so far."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.descriptor, 4096)

    def close(self) -> None:
        """Give both ends back."""
        if self._has_signals:
            signal.set_wakeup_fd(-1)
        with self._lock:
            writer, self._writer = self._writer, -1
        os.close(self.descriptor)
        os.close(writer)
