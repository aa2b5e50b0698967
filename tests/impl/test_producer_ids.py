"""Producer ids: each is given out once, whatever happens in between."""

import contextlib
from pathlib import Path

import pytest

from iowitness.impl.consumer import Consumer, ConsumerConfig
from iowitness.impl.errors import CheckpointError
from iowitness.impl.producer import Producer
from iowitness.impl.producer_ids import BLOCK_COUNT, NEXT_PRODUCER_ID, ProducerIds
from tests.doubles.forgetting_files import Crashed, ForgettingFiles
from tests.doubles.running_broker import address, running_broker

FOLDER = "/data"


def opened(files: ForgettingFiles, first_free: int = 0) -> ProducerIds:
    files.make_directory(FOLDER)
    return ProducerIds(files, FOLDER, first_free)


def test_ids_rise_across_blocks() -> None:
    ids = opened(ForgettingFiles())
    assert [ids.take() for _ in range(BLOCK_COUNT + 2)] == list(range(BLOCK_COUNT + 2))


def test_no_id_is_given_out_again_after_a_crash() -> None:
    files = ForgettingFiles()
    taken = {opened(files).take()}
    for seed in range(20):
        files.crash(seed)
        one = opened(files).take()
        assert one not in taken
        taken.add(one)


@pytest.mark.parametrize("calls", range(6))
def test_no_id_is_given_out_before_its_block_is_on_the_disk(calls: int) -> None:
    files = ForgettingFiles()
    ids = opened(files)
    files.calls_until_crash = calls
    taken: list[int] = []
    with contextlib.suppress(Crashed):
        taken.append(ids.take())
    files.crash(calls)
    assert opened(files).take() not in taken


def test_ids_start_above_those_that_the_logs_know() -> None:
    assert opened(ForgettingFiles(), first_free=4_711).take() == 4_711


def test_a_reservation_that_fails_uses_nothing_up() -> None:
    files = ForgettingFiles()
    ids = opened(files)
    files.free_byte_count = 0
    with pytest.raises(OSError, match="no space left"):
        ids.take()
    files.free_byte_count = None
    assert ids.take() == 0


def test_a_file_of_another_kind_is_refused_with_its_place() -> None:
    files = ForgettingFiles()
    files.put(f"{FOLDER}/{NEXT_PRODUCER_ID}", b"0\n1\nmany\n")
    with pytest.raises(CheckpointError, match=f"{NEXT_PRODUCER_ID}:3: 'many'"):
        opened(files)


def test_a_producer_after_a_restart_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    # With ids that start anew the second producer's batch was answered as a repetition of the
    # first one's, and never written.
    for value in (b"before", b"after"):
        with running_broker(tmp_path) as server:
            producer = Producer(address(server))
            producer.send("topic", value, partition=0).result(10)
            producer.close(timeout_s=10)
    with running_broker(tmp_path) as server:
        consumer = Consumer(address(server), ConsumerConfig())
        partitions = consumer.partitions("topic")
        consumer.assign(consumer.start_offsets(partitions), consumer.end_offsets(partitions))
        seen: list[bytes | None] = []
        while consumer.positions:
            for fetched in consumer.poll():
                seen += [record.value for record in fetched.records()]
        consumer.close()
    assert seen == [b"before", b"after"]
