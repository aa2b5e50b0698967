"""The exit codes of every subcommand. Source: docs/architecture.md, "Exit codes"."""

from enum import IntEnum

from iowitness.specs.verdict import Outcome


class ExitCode(IntEnum):
    """0 holds, 1 violated, 2 usage or input error, 3 not verifiable here, 70 a bug of ours."""

    HOLDS = 0
    VIOLATED = 1
    USAGE = 2
    UNKNOWN = 3
    BUG = 70


def of_outcome(outcome: Outcome) -> ExitCode:
    """The exit code that says what a combined verdict says."""
    return _OF_OUTCOME[outcome]


_OF_OUTCOME = {
    Outcome.HOLDS: ExitCode.HOLDS,
    Outcome.VIOLATED: ExitCode.VIOLATED,
    Outcome.UNKNOWN: ExitCode.UNKNOWN,
}
