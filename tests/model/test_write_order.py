"""One program that writes: in order or at random, on disks that care and on those that don't."""

import pytest

from iowitness.model.write_order import WriteFigures, WriteLoad, simulate_writes
from iowitness.preset_files import hardware_named


def _written(preset: str, order: str, sync: str = "at-end", seed: int = 0) -> WriteFigures:
    load = WriteLoad(
        order="append" if order == "append" else "random",
        piece_byte_count=16_384,
        piece_count=300,
        file_byte_count=10**10,
        sync="at-end" if sync == "at-end" else "every-write",
    )
    return simulate_writes(hardware_named(preset), load, seed)


def test_appending_needs_next_to_no_seeks_and_random_places_one_nearly_each() -> None:
    appended, scattered = _written("hdd-7200", "append"), _written("hdd-7200", "random")
    assert appended.seek_count <= 3
    assert scattered.seek_count > 100
    assert appended.bytes_per_s > 20 * scattered.bytes_per_s


@pytest.mark.parametrize("order", ["append", "random"])
def test_every_byte_reaches_the_disk(order: str) -> None:
    figures = _written("hdd-7200", order)
    assert figures.byte_count == 300 * 16_384
    # Random pieces may fall on each other, and are then written once.
    assert 0.9 * figures.byte_count <= figures.device_write_byte_count <= figures.byte_count


def test_syncing_every_write_is_slower_than_once_at_the_end() -> None:
    once, always = _written("ssd-sata", "append"), _written("ssd-sata", "append", "every-write")
    assert always.sync_count == 300
    assert always.duration_ns > 5 * once.duration_ns
    assert always.write_latency.quantile_ns(0.5) > once.write_latency.quantile_ns(0.5)


def test_equal_seeds_give_equal_runs_and_others_other_places() -> None:
    one, same, other = (_written("hdd-7200", "random", seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.duration_ns != other.duration_ns
