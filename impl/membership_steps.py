"""What a member of a group has to do after an error code, and when it has to say something. Pure.

Source: Kafka's AbstractCoordinator and ConsumerCoordinator, their response handlers.
"""

from enum import Enum
from typing import Final

from iowitness.impl.wire_errors import ErrorCode


class Step(Enum):
    """What comes next."""

    GO_ON = "go on"
    REJOIN = "join again as the same member"
    REJOIN_AS_NEW = "join again as a new member"
    FIND_COORDINATOR = "look for the coordinator"
    WAIT = "try the same again a little later"
    FAIL = "give up"


_STEPS: Final = {
    ErrorCode.NONE: Step.GO_ON,
    ErrorCode.REBALANCE_IN_PROGRESS: Step.REJOIN,
    ErrorCode.MEMBER_ID_REQUIRED: Step.REJOIN,
    ErrorCode.ILLEGAL_GENERATION: Step.REJOIN_AS_NEW,
    ErrorCode.UNKNOWN_MEMBER_ID: Step.REJOIN_AS_NEW,
    ErrorCode.NOT_COORDINATOR: Step.FIND_COORDINATOR,
    ErrorCode.COORDINATOR_NOT_AVAILABLE: Step.FIND_COORDINATOR,
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS: Step.WAIT,
    ErrorCode.REQUEST_TIMED_OUT: Step.FIND_COORDINATOR,
}


def step_after(error_code: int) -> Step:
    """What to do after the coordinator answered with that code."""
    return _STEPS.get(error_code, Step.FAIL)  # type: ignore[call-overload,no-any-return]  # an int is looked up as the code of that number


class Rhythm:
    """Something to be done every so often; never if `period_ms` is None."""

    __slots__ = ("_next_ns", "_period_ns")

    def __init__(self, period_ms: int | None, now_ns: int) -> None:
        self._period_ns = None if period_ms is None else period_ms * 1_000_000
        self._next_ns = 0
        self.done(now_ns)

    def is_due(self, now_ns: int) -> bool:
        """Whether it is time."""
        return self._period_ns is not None and now_ns >= self._next_ns

    def done(self, now_ns: int) -> None:
        """Note that it was done: the next time is a period from now."""
        self._next_ns = now_ns + (self._period_ns or 0)
