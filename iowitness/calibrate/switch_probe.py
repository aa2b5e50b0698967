"""Calls, switches and the loopback link: what it costs to enter the kernel and to wake somebody."""

import gc
import os
import socket
import time

from iowitness.calibrate.repeated import Measured, of_values, repeated
from iowitness.real_run.child import Child

_CALL_COUNT = 50_000
_SWITCH_COUNT = 3_000
_ROUND_TRIP_COUNT = 1_500

METHOD = (
    "getppid less an equally called function without a system call, halved, for a mode switch; a "
    "byte to and fro through two pipes between two processes on one core for a context switch"
)

LINK_METHOD = (
    "Loopback has no wire: its rate is that of memory. The latency is half of a byte's way to and "
    "fro between two processes, or, where that is more, half of what a small request to "
    "iowitness's own broker takes beyond the work for it, so that it has the waking-up in it"
)


def switch_figures() -> dict[str, Measured]:
    """Processor and link figures of a preset, by field, in its units."""
    mode = repeated(_mode_switch_ns)
    return {
        "processor.mode_switch_ns": mode,
        "processor.context_switch_ns": repeated(lambda: _context_switch_ns(mode.value)),
        "link.latency_us": of_values(_round_trips_us()),
    }


def _mode_switch_ns() -> float:
    """Half of what a call that does nothing in the kernel costs above one that stays outside."""
    inside, outside = os.getppid, gc.isenabled
    start_ns = time.thread_time_ns()
    for _ in range(_CALL_COUNT):
        inside()
    middle_ns = time.thread_time_ns()
    for _ in range(_CALL_COUNT):
        outside()
    end_ns = time.thread_time_ns()
    return max(1.0, ((middle_ns - start_ns) - (end_ns - middle_ns)) / _CALL_COUNT / 2)


def _context_switch_ns(mode_switch_ns: float) -> float:
    """A byte to and fro on one core is two switches and four calls."""
    cores = os.sched_getaffinity(0)
    there, back = os.pipe(), os.pipe()
    os.sched_setaffinity(0, {min(cores)})
    try:
        with Child("echo", lambda: _echo(there, back)) as echo:
            start_ns = time.perf_counter_ns()
            for _ in range(_SWITCH_COUNT):
                os.write(there[1], b"x")
                os.read(back[0], 1)
            spent_ns = time.perf_counter_ns() - start_ns
            os.close(there[1])
            echo.wait(10)
    finally:
        os.sched_setaffinity(0, cores)
        for descriptor in (there[0], back[0], back[1]):
            os.close(descriptor)
    return max(1.0, spent_ns / _SWITCH_COUNT / 2 - 4 * mode_switch_ns)


def _echo(there: tuple[int, int], back: tuple[int, int]) -> None:
    os.close(there[1])
    while os.read(there[0], 1):
        os.write(back[1], b"x")


def _round_trips_us() -> list[float]:
    """Half round trips of one byte."""
    times = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with Child("echo", lambda: _echo_server(listener)) as echo:
            with socket.create_connection(address) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for _ in range(_ROUND_TRIP_COUNT):
                    start_ns = time.perf_counter_ns()
                    client.send(b"x")
                    client.recv(1)
                    times.append((time.perf_counter_ns() - start_ns) / 2_000)
            echo.wait(10)
    return times


def _echo_server(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while connection.recv(1):
            connection.send(b"x")
