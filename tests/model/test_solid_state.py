"""`solid_state`: times that can be worked out by hand, and what parallel dies and collection do."""

import heapq
from dataclasses import replace
from random import Random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.block_request import BlockRequest
from iowitness.model.hardware import SolidStateDisk
from iowitness.model.solid_state import SolidState

DISK = SolidStateDisk(
    byte_count=64 * 2**20,
    channel_count=2,
    dies_per_channel=2,
    read_ns=50_000,
    program_ns=500_000,
    erase_ns=2_000_000,
    channel_bytes_per_s=409_600_000,  # 10 us for 4 KiB
    interface_bytes_per_s=1_024_000_000,  # 4 us for 4 KiB
    flush_ns=100_000,
    block_byte_count=2**20,
)
CACHED = replace(DISK, cache_byte_count=2**20)


def rate(
    disk: SolidStateDisk, operation: Literal["read", "write"], places: list[int], depth: int
) -> float:
    """Requests of 4 KiB a second, so many of them under way at once."""
    drive, now_ns, ends = SolidState(disk), 0, list[int]()
    for place in places:
        if len(ends) >= depth:
            now_ns = heapq.heappop(ends)
        heapq.heappush(ends, drive.completion_ns(BlockRequest(operation, place * 8, 8), now_ns))
    return len(places) * 1e9 / max(ends)


def test_a_read_by_hand() -> None:
    """The die's 50 us, 10 us over the channel; the interface runs along with that."""
    assert SolidState(DISK).completion_ns(BlockRequest("read", 0, 8), 1_000) == 61_000


def test_pages_on_different_dies_are_read_at_once_and_on_one_die_in_turn() -> None:
    side_by_side, in_turn = SolidState(DISK), SolidState(DISK)
    assert side_by_side.completion_ns(BlockRequest("read", 0, 16), 0) == 60_000
    in_turn.completion_ns(BlockRequest("read", 0, 8), 0)
    assert in_turn.completion_ns(BlockRequest("read", 4 * 8, 8), 0) == 110_000


def test_a_page_in_the_register_is_not_read_again() -> None:
    drive = SolidState(replace(DISK, page_byte_count=16_384))
    drive.completion_ns(BlockRequest("read", 0, 8), 0)
    assert drive.completion_ns(BlockRequest("read", 8, 8), 1_000_000) == 1_010_000


def test_a_write_without_a_cache_waits_for_the_flash_and_with_one_for_its_transfer() -> None:
    write = BlockRequest("write", 0, 8)
    assert SolidState(DISK).completion_ns(write, 0) == 510_000
    assert SolidState(CACHED).completion_ns(write, 0) == 4_000


def test_a_flush_waits_for_what_is_in_the_cache() -> None:
    drive = SolidState(CACHED)
    drive.completion_ns(BlockRequest("write", 0, 8), 0)
    assert drive.completion_ns(BlockRequest("flush", 0, 0), 10_000) == 510_000 + 100_000
    assert drive.completion_ns(BlockRequest("flush", 0, 0), 10**9) == 10**9 + 100_000


def test_a_full_cache_lets_writes_in_at_the_pace_of_the_flash() -> None:
    places = [page % 8_192 for page in range(6_000)]
    flash_rate = 4 / 500e-6  # four dies
    assert rate(CACHED, "write", places, 1) == pytest.approx(flash_rate, rel=0.1)
    assert rate(CACHED, "write", places[:200], 1) > 20 * flash_rate


def test_reads_in_parallel_scale_up_to_the_dies() -> None:
    random = Random(1)
    places = [random.randrange(16_384) for _ in range(3_000)]
    alone, four, many = (rate(DISK, "read", places, depth) for depth in (1, 4, 32))
    assert alone == pytest.approx(1e9 / 60_000, rel=0.01)
    assert 2 * alone < four < 4 * alone
    assert four < many <= 4e9 / 50_000


def test_the_queue_depth_bounds_what_is_under_way() -> None:
    places = list(range(2_000))
    one = rate(replace(DISK, queue_depth=1), "read", places, 32)
    assert one == pytest.approx(rate(DISK, "read", places, 1), rel=0.01)


def test_overwriting_a_full_drive_at_random_is_slower_than_in_order() -> None:
    small = replace(DISK, byte_count=16 * 2**20, block_byte_count=2**18)
    full, random = list(range(4_096)), Random(2)
    scattered = full + [random.randrange(4_096) for _ in range(4_096)]
    in_order = rate(small, "write", full + full, 32)
    assert rate(small, "write", scattered, 32) < 0.5 * in_order


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["read", "write", "flush"]),
            st.integers(0, 100_000),
            st.integers(1, 600),
            st.integers(0, 300_000),
        ),
        max_size=40,
    ),
    st.sampled_from([DISK, CACHED]),
)
def test_nothing_ends_before_it_begins_and_a_faster_drive_is_never_later(
    drawn: list[tuple[Literal["read", "write", "flush"], int, int, int]], disk: SolidStateDisk
) -> None:
    slow = SolidState(disk)
    fast = SolidState(replace(disk, read_ns=disk.read_ns // 2, program_ns=disk.program_ns // 2))
    now_ns = 0
    for operation, sector, count, pause_ns in drawn:
        request = BlockRequest(operation, sector, count)
        done_ns = slow.completion_ns(request, now_ns)
        assert now_ns <= fast.completion_ns(request, now_ns) <= done_ns
        now_ns += pause_ns
