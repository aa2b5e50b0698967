"""Offsets by time and by epoch, and who the cluster is."""

import pytest

from iowitness.impl.api_table import ApiKey
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.cluster_identity import KAFKAS_FILE, OUR_FILE, cluster_id
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.errors import CheckpointError
from iowitness.impl.messages.cluster import (
    EpochEnd,
    EpochsWantedTopic,
    EpochWanted,
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
)
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import FOLDER, AskedBroker
from tests.doubles.forgetting_files import ForgettingFiles

READ_COMMITTED = 1


def broker_with_times(*timestamps_ms: int) -> AskedBroker:
    """Topic t with one record a batch, at these times."""
    broker = AskedBroker()
    topic = broker.topics.create("t", 1, now_ms=1)
    for timestamp_ms in timestamps_ms:
        topic.partitions[0].log.append(encode_batch([(timestamp_ms, None, b"v", ())]), now_ms=1)
    return broker


def place(
    broker: AskedBroker, timestamp: int, isolation: int = 0, partition: int = 0, epoch: int = -1
) -> ListOffsetsPartitionResponse:
    wanted = ListOffsetsPartition(
        partition_index=partition, timestamp=timestamp, current_leader_epoch=epoch
    )
    request = ListOffsetsRequest(
        isolation_level=isolation, topics=(ListOffsetsTopic(name="t", partitions=(wanted,)),)
    )
    response = broker.ask(ListOffsetsResponse, ApiKey.LIST_OFFSETS, 11, request)
    return response.topics[0].partitions[0]


@pytest.mark.parametrize(
    ("timestamp", "offset", "timestamp_ms"),
    [
        (-1, 4, -1),
        (-2, 0, -1),
        (-3, 2, 300),
        (-4, 0, -1),
        (-5, -1, -1),
        (-6, -1, -1),
        (0, 0, 100),
        (100, 0, 100),
        (101, 1, 200),
        (201, 2, 300),
        (301, -1, -1),
    ],
)
def test_a_time_is_found_where_the_first_record_is_not_older(
    timestamp: int, offset: int, timestamp_ms: int
) -> None:
    found = place(broker_with_times(100, 200, 300, 250), timestamp)
    assert (found.error_code, found.offset, found.timestamp) == (0, offset, timestamp_ms)
    assert found.leader_epoch == (0 if offset >= 0 else -1)


def test_the_end_for_readers_of_what_is_committed_is_before_an_open_transaction() -> None:
    broker = broker_with_times(100)
    log = broker.topics.by_name["t"].partitions[0].log
    open_one = encode_batch([(1, None, b"v", ())], stamp=ProducerStamp.transactional(9, 0, 0))
    log.append(open_one, now_ms=1)
    assert (place(broker, -1).offset, place(broker, -1, READ_COMMITTED).offset) == (2, 1)
    log.append(encode_marker(Marker(MarkerKind.COMMIT, 0), 1, 9, 0), now_ms=1)
    assert place(broker, -1, READ_COMMITTED).offset == 3


def test_unknown_partitions_and_later_epochs_are_refused() -> None:
    broker = broker_with_times(100)
    assert place(broker, -1, partition=1).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert place(broker, -1, epoch=1).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
    broker.topics.by_name["t"].partitions[0].fence(OSError("gone"))
    assert place(broker, -1).error_code == ErrorCode.KAFKA_STORAGE_ERROR


def test_an_epochs_end_is_the_logs_end_while_it_lasts() -> None:
    broker = broker_with_times(100, 200)

    def end(epoch: int, partition: int = 0) -> EpochEnd:
        wanted = (EpochWanted(partition=partition, leader_epoch=epoch),)
        request = OffsetForLeaderEpochRequest(
            topics=(EpochsWantedTopic(topic="t", partitions=wanted),)
        )
        key = ApiKey.OFFSET_FOR_LEADER_EPOCH
        response = broker.ask(OffsetForLeaderEpochResponse, key, 4, request)
        return response.topics[0].partitions[0]

    assert (end(0).leader_epoch, end(0).end_offset) == (0, 2)
    assert (end(5).leader_epoch, end(5).end_offset) == (-1, -1)
    assert end(0, partition=3).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_a_cluster_keeps_its_id() -> None:
    files = ForgettingFiles()
    files.make_directory(FOLDER)
    made = cluster_id(files, FOLDER)
    assert len(made) == 22
    for seed in range(5):
        files.crash(seed)
        assert cluster_id(files, FOLDER) == made


def test_a_folder_of_kafkas_says_itself_which_cluster_it_belongs_to() -> None:
    files = ForgettingFiles()
    files.put(
        f"{FOLDER}/{KAFKAS_FILE}",
        b"#\n#Thu Nov 26\nversion=1\ncluster.id=4L6g3nShT-eMCtK--X86sw\nnode.id=1\n",
    )
    assert cluster_id(files, FOLDER) == "4L6g3nShT-eMCtK--X86sw"
    assert not files.exists(f"{FOLDER}/{OUR_FILE}")


def test_an_id_that_is_none_is_refused_with_its_place() -> None:
    files = ForgettingFiles()
    files.put(f"{FOLDER}/{OUR_FILE}", b"short")
    with pytest.raises(CheckpointError, match=f"{OUR_FILE}: b'short'"):
        cluster_id(files, FOLDER)
