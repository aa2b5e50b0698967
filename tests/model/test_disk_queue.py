"""`disk_queue`: what each policy promises, and that merging loses nothing."""

from random import Random
from statistics import mean
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.block_request import BlockRequest
from iowitness.model.disk_queue import (
    FIFO_BATCH,
    MERGED_SECTOR_COUNT,
    READ_EXPIRE_NS,
    WRITES_STARVED,
    DiskQueue,
    Scheduling,
)

POLICIES: tuple[Scheduling, ...] = get_args(Scheduling)
requests = st.lists(
    st.builds(
        BlockRequest,
        st.sampled_from(["read", "write"]),
        st.integers(0, 500),
        st.integers(1, 20),
    ),
    min_size=1,
    max_size=40,
)


def queue(policy: Scheduling, wanted: list[BlockRequest]) -> DiskQueue[int]:
    made: DiskQueue[int] = DiskQueue(policy)
    for number, request in enumerate(wanted):
        made.add(request, number, number)
    return made


def reads(*sectors: int) -> list[BlockRequest]:
    return [BlockRequest("read", sector, 1) for sector in sectors]


def order(policy: Scheduling, wanted: list[BlockRequest]) -> list[int]:
    waiting = queue(policy, wanted)
    return [waiting.take(0).request.sector for _ in range(len(waiting))]


def travelled(policy: Scheduling, wanted: list[BlockRequest]) -> int:
    """Sectors that the head moves over between requests."""
    waiting, total = queue(policy, wanted), 0
    while waiting:
        before = waiting.head
        total += abs(waiting.take(0).request.sector - before)
    return total


@given(st.sampled_from(POLICIES), requests)
def test_everything_is_served_once_whatever_was_merged(
    policy: Scheduling, wanted: list[BlockRequest]
) -> None:
    waiting = queue(policy, wanted)
    served = [waiting.take(0) for _ in range(len(waiting))]
    assert sorted(tag for one in served for tag in one.tags) == list(range(len(wanted)))
    assert len(served) + waiting.merge_count == len(wanted)
    for one in served:
        own = [wanted[tag] for tag in one.tags]
        assert {request.operation for request in own} == {one.request.operation}
        covered = {s for r in own for s in range(r.sector, r.sector + r.sector_count)}
        assert covered == set(range(one.request.sector, one.end))
        assert sum(request.sector_count for request in own) == one.request.sector_count


def test_neighbours_are_merged_behind_and_in_front_up_to_the_limit() -> None:
    back = queue("fifo", [BlockRequest("read", 10, 5), BlockRequest("read", 15, 5)])
    front = queue("fifo", [BlockRequest("read", 10, 5), BlockRequest("read", 5, 5)])
    assert back.take(0).request == BlockRequest("read", 10, 10)
    assert front.take(0).request == BlockRequest("read", 5, 10)
    kinds = queue("fifo", [BlockRequest("read", 10, 5), BlockRequest("write", 15, 5)])
    long = queue(
        "fifo",
        [
            BlockRequest("write", 0, MERGED_SECTOR_COUNT),
            BlockRequest("write", MERGED_SECTOR_COUNT, 1),
        ],
    )
    assert (len(kinds), len(long)) == (2, 2)


def test_orders_by_hand() -> None:
    """The textbook's queue; its requests are points. Source: Silberschatz, Galvin and Gagne,
    Operating System Concepts, chapter on mass storage.
    """
    points = (98, 183, 37, 122, 14, 124, 65, 67)
    wanted = [BlockRequest("read", point, 0) for point in points]
    start = [BlockRequest("read", 53, 0)]

    def after(policy: Scheduling) -> list[int]:
        waiting = queue(policy, start)
        waiting.take(0)
        for number, request in enumerate(wanted):
            waiting.add(request, 0, number)
        return [waiting.take(0).request.sector for _ in wanted]

    assert after("fifo") == [98, 183, 37, 122, 14, 124, 65, 67]
    assert after("sstf") == [65, 67, 37, 14, 98, 122, 124, 183]
    assert after("scan") == [65, 67, 98, 122, 124, 183, 37, 14]
    assert after("c-look") == [65, 67, 98, 122, 124, 183, 14, 37]


@given(requests)
def test_sstf_always_goes_to_the_nearest(wanted: list[BlockRequest]) -> None:
    waiting = queue("sstf", wanted)
    while waiting:
        left = [one.request.sector for row in waiting._by_sector.values() for one in row]
        before = waiting.head
        taken = waiting.take(0).request.sector
        assert abs(taken - before) == min(abs(sector - before) for sector in left)


def test_sstf_and_the_elevators_travel_less_than_first_come_first_served() -> None:
    random, by = Random(4), {policy: [] for policy in POLICIES}
    for _ in range(200):
        wanted = reads(*(random.randrange(10**6) for _ in range(16)))
        for policy, travels in by.items():
            travels.append(travelled(policy, wanted))
    for policy in ("sstf", "scan", "c-look"):
        assert mean(by[policy]) < 0.5 * mean(by["fifo"])


def test_sstf_can_be_beaten_by_luck() -> None:
    """It is greedy, not best: this order of arrival happens to be shorter."""
    lucky = [BlockRequest("read", point, 0) for point in (98, 101, 103, 107)]

    def travel(policy: Scheduling) -> int:
        waiting = queue(policy, [BlockRequest("read", 100, 0)])
        waiting.take(0)
        for number, request in enumerate(lucky):
            waiting.add(request, 0, number)
        total = 0
        while waiting:
            before = waiting.head
            total += abs(waiting.take(0).request.sector - before)
        return total

    assert (travel("fifo"), travel("sstf")) == (11, 16)


@given(requests)
def test_an_elevator_turns_at_most_once_for_what_waits(wanted: list[BlockRequest]) -> None:
    sectors = order("scan", wanted)
    assert travelled("scan", wanted) <= 2 * 520
    top = sectors.index(max(sectors))
    assert sectors == sorted(sectors[:top]) + sorted(sectors[top:], reverse=True)


@pytest.mark.parametrize("policy", ["scan", "c-look"])
def test_an_elevator_starves_nobody_while_others_keep_coming(policy: Scheduling) -> None:
    """However others come for other sectors, one waits at most for two passes over the disk."""
    random, size = Random(2), 60
    waiting: DiskQueue[int] = DiskQueue(policy)
    entered: dict[int, int] = {}
    there: dict[int, int] = {}
    taken = longest = 0
    for number in range(5_000):
        if number == 0 or len(waiting) < 12:
            near = min(size - 1, max(0, waiting.head + random.choice([0, 0, 1, 2, -30])))
            if near not in there:
                waiting.add(BlockRequest("read", near, 1), 0, number)
                entered[number], there[near] = taken, number
        if len(waiting) >= 5:
            served = waiting.take(0)
            for tag in served.tags:
                longest = max(longest, taken - entered[tag])
            there = {sector: tag for sector, tag in there.items() if tag not in served.tags}
            taken += 1
    assert longest <= 2 * size


def test_sstf_does_starve_the_far_one() -> None:
    waiting = queue("sstf", reads(10_000))
    for number in range(1, 1_000):
        waiting.add(BlockRequest("read", number % 7 * 2, 1), 0, number)
        assert waiting.take(0).request.sector != 10_000


def test_the_deadline_bounds_the_wait_of_reads_under_a_flood_of_near_ones() -> None:
    waiting: DiskQueue[int] = DiskQueue("deadline")
    waiting.add(BlockRequest("read", 10_000_000, 1), 0, -1)
    now_ns, service_ns, number = 0, 1_000_000, 0
    while True:
        number += 1
        waiting.add(BlockRequest("read", waiting.head + 2, 1), now_ns, number)
        waiting.add(BlockRequest("write", waiting.head + 9, 1), now_ns, -1 - number)
        if -1 in waiting.take(now_ns).tags:
            break
        now_ns += service_ns
        assert now_ns < 10**10, "never served"
    runs = WRITES_STARVED + 1
    assert READ_EXPIRE_NS - service_ns <= now_ns <= READ_EXPIRE_NS + runs * FIFO_BATCH * service_ns


def test_reads_pass_writes_but_do_not_shut_them_out() -> None:
    waiting: DiskQueue[int] = DiskQueue("deadline")
    kinds = []
    for number in range(400):
        waiting.add(BlockRequest("read", number * 10, 1), 0, number)
        waiting.add(BlockRequest("write", number * 10 + 5, 1), 0, number)
    for _ in range(200):
        kinds.append(waiting.take(0).request.operation)
    assert kinds[: 2 * FIFO_BATCH] == ["read"] * 2 * FIFO_BATCH
    assert kinds.count("write") == pytest.approx(200 / 3, abs=FIFO_BATCH)
