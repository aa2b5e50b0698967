import pytest
from pydantic import ValidationError

from iowitness.specs.contract import judge
from iowitness.specs.order import Order
from iowitness.specs.suite_yaml import read_suite
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File
from tests.doubles.hand_written import LOG, HandWritten

DATABASE = File(5, "/data/some.db")
WRITE_AHEAD = """
contracts:
  - claim: order
    name: write-ahead
    every: {kinds: Written, files: "**/*.db"}
    never_between:
      from: {kinds: Written, files: "**/*.log"}
      to: {kinds: Synced, files: "**/*.log"}
"""
SYNC = {"kinds": "Synced"}
RENAME = {"kinds": "Renamed"}
WRITE = {"kinds": "Written"}


def order(**fields: object) -> Order:
    return Order.model_validate(fields)


def judged(told: HandWritten, claim: Order) -> Verdict:
    return judge(claim, told.history())


def test_no_write_to_the_database_while_its_log_is_not_synced() -> None:
    (claim,) = read_suite(WRITE_AHEAD, "x.yaml").contracts
    assert isinstance(claim, Order)
    told = HandWritten()
    told.written(0, 10, DATABASE)
    told.written(0, 10)
    told.synced()
    told.written(10, 10, DATABASE)
    assert judged(told, claim).outcome is Outcome.HOLDS
    told.written(10, 10)
    told.written(20, 10, DATABASE)
    verdict = judged(told, claim)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary == (
        "pwrite64 by thread 100 after pwrite64 at line 5, expected Synced in between "
        "(data/some.db, broker.strace:6)"
    )


def test_preceded_by_asks_for_one_before_each() -> None:
    claim = order(every=RENAME, preceded_by=SYNC)
    told = HandWritten()
    told.renamed(LOG, "a", "b")
    told.synced()
    told.renamed(LOG, "b", "c")
    verdict = judged(told, claim)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.witness_count == 1
    assert verdict.witnesses[0].events[0].line == 1


def test_followed_by_asks_for_one_after_the_last() -> None:
    claim = order(every=WRITE, followed_by=SYNC)
    told = HandWritten()
    told.written(0, 10)
    told.synced()
    assert judged(told, claim).outcome is Outcome.HOLDS
    told.written(10, 10)
    assert "expected Synced after it" in judged(told, claim).summary


def test_only_between_asks_for_an_open_stretch() -> None:
    claim = order(
        every=WRITE,
        only_between={
            "from": {"kinds": "Marked", "marks": "go"},
            "to": {"kinds": "Marked", "marks": "stop"},
        },
    )
    told = HandWritten()
    told.begin("go")
    told.written(0, 10)
    told.begin("stop")
    assert judged(told, claim).outcome is Outcome.HOLDS
    told.written(10, 10)
    assert judged(told, claim).outcome is Outcome.VIOLATED


@pytest.mark.parametrize(("same", "outcome"), [("anything", "HOLDS"), ("file", "VIOLATED")])
def test_what_events_must_share_decides(same: str, outcome: str) -> None:
    claim = order(every=WRITE, followed_by=SYNC, same=same)
    told = HandWritten()
    told.written(0, 10)
    told.synced(DATABASE)
    assert judged(told, claim).outcome == outcome


def test_calls_that_overlap_in_time_are_in_no_order() -> None:
    claim = order(every=RENAME, preceded_by=SYNC)
    told = HandWritten()
    told.synced(who=(100, 101), start_ns=10, end_ns=20)
    told.renamed(LOG, "a", "b", start_ns=20, end_ns=30)
    assert judged(told, claim).outcome is Outcome.VIOLATED


def test_no_such_event_shows_nothing() -> None:
    assert judged(HandWritten(), order(every=RENAME, preceded_by=SYNC)).outcome is Outcome.UNKNOWN


def test_calls_select_among_kinds() -> None:
    claim = order(every=WRITE, followed_by={"kinds": "Synced", "calls": "fsync"})
    told = HandWritten()
    told.written(0, 10)
    told.synced(call="fdatasync")
    assert judged(told, claim).outcome is Outcome.VIOLATED


def test_an_order_without_order_is_refused() -> None:
    with pytest.raises(ValidationError, match="no order"):
        order(every=WRITE)
