"""Children of the real run: their ends are told, and none outlives its parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from iowitness.real_run.child import Child, ChildFailed

_ORPHAN = """
import os, time
from iowitness.real_run.child import Child
child = Child("sleeper", lambda: time.sleep(60))
print(child.process_id, flush=True)
time.sleep(60)
"""


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_that_returns_is_a_clean_end() -> None:
    with Child("worker", lambda: None) as child:
        child.wait(10)
        child.wait(10)


def test_a_child_that_raises_names_its_role_and_status(capfd: pytest.CaptureFixture[str]) -> None:
    def failing() -> None:
        raise OSError(28, "No space left on device", "/somewhere/0.log")

    with Child("broker", failing) as child, pytest.raises(ChildFailed, match=r"broker.*exit 1"):
        child.wait(10)
    assert "iowitness: broker: [Errno 28] No space left on device" in capfd.readouterr().err


def test_a_child_that_is_killed_names_the_signal() -> None:
    with Child("broker", lambda: time.sleep(60)) as child:
        os.kill(child.process_id, signal.SIGKILL)
        with pytest.raises(ChildFailed, match="signal SIGKILL"):
            child.wait(10)


def test_a_child_that_goes_on_is_told_with_the_limit_and_ended() -> None:
    with Child("broker", lambda: time.sleep(60)) as child, pytest.raises(ChildFailed, match="0 s"):
        child.wait(0.05)
    assert not _alive(child.process_id)


def test_a_child_dies_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ORPHAN], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        assert _alive(orphan)
        parent.kill()
        parent.wait(10)
    for _ in range(100):
        if not _alive(orphan):
            return
        time.sleep(0.05)
    pytest.fail(f"process {orphan} outlived its parent")
