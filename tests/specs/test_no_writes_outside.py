import pytest

from iowitness.specs.contract import judge
from iowitness.specs.no_writes_outside import NoWritesOutside
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File
from tests.doubles.hand_written import BROKER, LOG, HandWritten

CLAIM = NoWritesOutside(files="/data/**")
ELSEWHERE = File(9, "/etc/passwd")


def judged(told: HandWritten, claim: NoWritesOutside = CLAIM) -> Verdict:
    return judge(claim, told.history())


def inside() -> HandWritten:
    told = HandWritten()
    told.opened()
    told.written(0, 10)
    return told


def test_changes_inside_hold() -> None:
    told = inside()
    told.directory("/data/new")
    told.renamed(LOG, LOG.path, "/data/other")
    assert judged(told).outcome is Outcome.HOLDS


@pytest.mark.parametrize(
    "change", ["write", "rename", "unlink", "mkdir", "truncate", "create", "map"]
)
def test_each_kind_of_change_outside_is_a_violation(change: str) -> None:
    told = inside()
    match change:
        case "write":
            told.written(0, 1, ELSEWHERE)
        case "rename":
            told.renamed(LOG, LOG.path, "/etc/passwd")
        case "unlink":
            told.unlinked(ELSEWHERE, "/etc/passwd")
        case "mkdir":
            told.directory("/etc/passwd")
        case "truncate":
            told.resized(0, ELSEWHERE)
        case "create":
            told.opened(ELSEWHERE, size=0, created=True)
        case _:
            told.mapped(ELSEWHERE)
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert "changes /etc/passwd, by thread 100" in verdict.summary


def test_reading_and_opening_elsewhere_is_no_change() -> None:
    told = inside()
    told.opened(ELSEWHERE, size=100)
    told.read(0, 10, ELSEWHERE)
    told.mapped(ELSEWHERE, writable=False)
    assert judged(told).outcome is Outcome.HOLDS


def test_special_files_keep_nothing() -> None:
    told = inside()
    told.written(None, 10, File(8, "/dev/null"))
    assert judged(told).outcome is Outcome.HOLDS


def test_a_failed_change_is_none() -> None:
    told = inside()
    told.unlinked(ELSEWHERE, "/etc/passwd", error="EACCES")
    assert judged(told).outcome is Outcome.HOLDS


def test_nothing_changed_shows_nothing() -> None:
    assert judged(HandWritten()).outcome is Outcome.UNKNOWN


def test_a_call_that_writes_unseen_makes_it_unknown() -> None:
    told = inside()
    told.unverifiable(who=BROKER)
    assert judged(told).outcome is Outcome.UNKNOWN
