import msgspec

from iowitness.specs.contract import judge
from iowitness.specs.device_sequential import DeviceSequential
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import EVENT_KINDS, BlockIssued
from tests.doubles.hand_written import HandWritten

CLAIM = DeviceSequential(minimum_share=0.75)


def judged(told: HandWritten, claim: DeviceSequential = CLAIM) -> Verdict:
    history = msgspec.structs.replace(told.history(), visible_kinds=frozenset(EVENT_KINDS))
    return judge(claim, history)


def issued(
    *requests: tuple[int, int], device: str = "sda", operation: str = "write"
) -> HandWritten:
    told = HandWritten()
    for sector, count in requests:
        told.add(
            BlockIssued,
            "block_rq_issue",
            device=device,
            sector=sector,
            sector_count=count,
            operation=operation,
            command="kworker/u8:1",
        )
    return told


def test_requests_that_adjoin_hold() -> None:
    verdict = judged(issued((1000, 8), (1008, 16), (1024, 8)))
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "100.0% of 3 requests in sequence"


def test_a_jump_is_tolerated_up_to_the_share() -> None:
    assert judged(issued((0, 8), (8, 8), (16, 8), (90, 8))).outcome is Outcome.HOLDS
    verdict = judged(issued((0, 8), (8, 8), (90, 8)))
    assert verdict.outcome is Outcome.VIOLATED
    assert "the first jump is to sector 90 of sda, expected 16" in verdict.summary


def test_devices_commands_and_operations_are_selected() -> None:
    scattered = issued((0, 8), (800, 8), (80, 8))
    for claim in (
        DeviceSequential(devices="nvme*"),
        DeviceSequential(commands="jbd2*"),
        DeviceSequential(operation="read"),
    ):
        assert judged(scattered, claim).outcome is Outcome.UNKNOWN
    assert judged(scattered, DeviceSequential(commands="kworker/*")).outcome is Outcome.VIOLATED


def test_a_source_without_block_events_cannot_show_it() -> None:
    verdict = judge(CLAIM, issued((0, 8)).history())
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.summary == "the source cannot see BlockIssued"
