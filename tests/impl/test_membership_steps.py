"""What a member does after an error code, and when something is due."""

import pytest

from iowitness.impl.membership_steps import Rhythm, Step, step_after
from iowitness.impl.wire_errors import ErrorCode


@pytest.mark.parametrize(
    ("code", "step"),
    [
        (ErrorCode.NONE, Step.GO_ON),
        (ErrorCode.REBALANCE_IN_PROGRESS, Step.REJOIN),
        (ErrorCode.UNKNOWN_MEMBER_ID, Step.REJOIN_AS_NEW),
        (ErrorCode.ILLEGAL_GENERATION, Step.REJOIN_AS_NEW),
        (ErrorCode.NOT_COORDINATOR, Step.FIND_COORDINATOR),
        (ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, Step.WAIT),
        (ErrorCode.GROUP_AUTHORIZATION_FAILED, Step.FAIL),
        (ErrorCode.FENCED_INSTANCE_ID, Step.FAIL),
        (ErrorCode.UNKNOWN_SERVER_ERROR, Step.FAIL),
        (12_345, Step.FAIL),
    ],
)
def test_each_code_asks_for_one_step(code: int, step: Step) -> None:
    assert step_after(int(code)) is step


def test_a_rhythm_counts_from_the_last_time_and_none_is_never() -> None:
    rhythm = Rhythm(2, 1_000_000)
    assert [rhythm.is_due(ms * 1_000_000) for ms in (1, 2, 3, 4)] == [False, False, True, True]
    rhythm.done(5_000_000)
    assert [rhythm.is_due(ms * 1_000_000) for ms in (6, 7)] == [False, True]
    assert not Rhythm(None, 0).is_due(2**62)
