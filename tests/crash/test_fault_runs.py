"""Errors at every call of the log: each run ends well or with a clear error, promises kept."""

import os

import pytest

from iowitness.crash_run.fault_runs import ERRORS, Plan, call_count, plans, power_loss, run
from iowitness.traces.events import Opened, Sent, Synced

_STEP = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 7
"""Every so-manieth call fails, or failing sync is followed by power loss at every moment."""


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_at_any_call_breaks_no_promise(error: str) -> None:
    step = 1 if error == "EIO" else _STEP
    runs = [run(plan)[0] for plan in list(plans((error,)))[::step]]
    assert [f"{one.plan} ({one.call}): {one.fault}" for one in runs if one.fault] == []
    assert len(runs) >= 2 * call_count() // step
    if error != "short":
        assert all(one.call for one in runs)
        assert all(one.told for one in runs if one.acknowledged_count < 5)


def test_nothing_is_acknowledged_between_a_failed_sync_and_the_next_opening() -> None:
    seen = 0
    for plan in list(plans(("EIO",)))[::2]:
        fenced = False
        for event in run(plan)[1].history():
            if isinstance(event, Synced) and event.error and event.file is not None:
                fenced = fenced or event.file.path.endswith((".log", "index"))
                seen += fenced
            elif isinstance(event, Opened) and event.file.path.endswith(".lock"):
                fenced = False
            assert not (fenced and isinstance(event, Sent)), plan
    assert seen > 10


def test_a_failed_sync_and_then_power_loss_lose_nothing_that_was_acknowledged() -> None:
    failing = [
        plan
        for plan in (Plan(number, "EIO", lasts=False) for number in range(call_count()))
        if (run(plan)[0].call or "").startswith("fsync")
    ]
    assert len(failing) > 50
    for plan in failing[::_STEP]:
        explored = power_loss(run(plan)[1], "ext4-ordered")
        assert explored.failures == [], plan
        assert explored.state_count > 10
