"""A sleeping loop is woken by threads and by signals, whichever thread takes the signal."""

import os
import select
import signal
import threading
import time
from pathlib import Path

import pytest

from iowitness.impl.server import Server
from iowitness.impl.wake_up import WakeUp
from iowitness.real_run.child import Child


def test_it_is_readable_once_woken_until_it_is_drained() -> None:
    wake = WakeUp()
    wake.wake()
    assert select.select([wake.descriptor], [], [], 0)[0]
    wake.drain()
    assert not select.select([wake.descriptor], [], [], 0)[0]
    wake.close()


def test_waking_more_often_than_the_pipe_holds_does_not_block() -> None:
    wake = WakeUp()
    for _ in range(100_000):
        wake.wake()
    wake.close()


def test_a_signal_that_another_thread_takes_stops_the_server_all_the_same(tmp_path: Path) -> None:
    # The handler in C then runs without interrupting the sleep of the main thread: the same as a
    # signal between the last bytecode and epoll_wait, and repeatable.
    def serve() -> None:
        server = Server(str(tmp_path))
        server.stop_on(signal.SIGTERM)

        def take() -> None:
            time.sleep(0.3)
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

        threading.Thread(target=take).start()
        server.run()

    with Child("broker", serve) as child:
        child.wait(10)
    assert (tmp_path / ".kafka_cleanshutdown").exists()
    assert not os.path.exists(f"/proc/{child.process_id}/fd")


def test_waking_what_was_closed_meanwhile_writes_to_nobody() -> None:
    wake = WakeUp()
    writer = wake._writer
    wake.close()
    reader, reused = os.pipe()
    assert writer in {reader, reused}, "the descriptor belongs to somebody else now"
    os.set_blocking(reader, False)
    wake.wake()
    with pytest.raises(BlockingIOError):
        os.read(reader, 1)
    os.close(reader)
    os.close(reused)
