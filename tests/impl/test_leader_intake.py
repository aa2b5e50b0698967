"""What a leader makes of a client's batch, in memory and through a broker's produce request."""

import pytest
from hypothesis import given

from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_reader import Batch, batches, records
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.compression import Compressor
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.errors import BatchRefused, CorruptBatch
from iowitness.impl.leader_intake import IntakeRules, TakenIn, taken_in
from iowitness.impl.produce_handler import produce
from iowitness.impl.produce_wire import (
    PartitionAppended,
    PartitionBatches,
    ProduceRequest,
    TopicBatches,
)
from iowitness.impl.record_writer import RecordFields
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import AskedBroker
from tests.strategies.batches import CODECS, record_lists

NOW_MS = 1_000_000
FIELDS: list[RecordFields] = [(5, b"k", b"v" * 100, ()), (9, b"k", b"w" * 100, (("h", None),))]


def take(stored: bytes, **rules: object) -> TakenIn:
    return taken_in(memoryview(bytearray(stored)), IntakeRules(**rules), NOW_MS)  # type: ignore[arg-type]


def one(taken: TakenIn) -> Batch:
    (batch,) = batches(taken.batch)
    batch.check()
    return batch


@pytest.mark.parametrize("codec", list(Codec))
def test_a_batch_goes_on_as_it_came_where_the_topic_asks_for_nothing_else(codec: Codec) -> None:
    stored = encode_batch(FIELDS, Compressor(codec))
    assert bytes(take(stored).batch) == bytes(take(stored, codec=codec).batch) == stored


def test_another_level_of_the_same_codec_is_left_alone() -> None:
    stored = encode_batch(FIELDS * 50, Compressor(Codec.ZSTD, 19))
    assert bytes(take(stored, codec=Codec.ZSTD).batch) == stored


@given(record_lists(), CODECS, CODECS)
def test_another_codec_keeps_records_times_and_producer(
    fields: list[RecordFields], sent: Codec, wanted: Codec
) -> None:
    stored = encode_batch(fields, Compressor(sent), ProducerStamp(7, 3, 11))
    taken = one(take(stored, codec=wanted))
    (before,) = batches(stored)
    assert taken.header.codec is wanted
    assert list(records(taken)) == list(records(before))
    for name in ("base_timestamp_ms", "max_timestamp_ms", "producer_id", "producer_epoch"):
        assert getattr(taken.header, name) == getattr(before.header, name)
    assert taken.header.base_sequence == 11


@pytest.mark.parametrize("codec", [None, Codec.LZ4])
def test_the_brokers_time_takes_the_place_of_the_records(codec: Codec | None) -> None:
    taken = take(encode_batch(FIELDS), codec=codec, stamps_append_time=True)
    batch = one(taken)
    assert taken.append_time_ms == batch.header.max_timestamp_ms == NOW_MS
    assert batch.header.codec is (codec or Codec.NONE)
    assert [record.timestamp_ms for record in records(batch)] == [NOW_MS, NOW_MS]


def test_a_compacted_topic_names_the_records_without_a_key() -> None:
    stored = encode_batch([*FIELDS, (9, None, b"v", ())])
    with pytest.raises(BatchRefused, match="1 records without a key") as refused:
        take(stored, needs_keys=True)
    assert refused.value.record_indexes == (2,)
    assert bytes(take(stored).batch) == stored


def test_a_flipped_bit_is_damage_and_not_the_clients_mistake() -> None:
    stored = bytearray(encode_batch(FIELDS))
    stored[60] ^= 2  # no record left, by a count that the checksum covers
    with pytest.raises(CorruptBatch, match="crc32c"):
        take(bytes(stored))
    for rules in ({"codec": Codec.GZIP}, {"stamps_append_time": True}, {"needs_keys": True}):
        stored = bytearray(encode_batch(FIELDS))
        stored[-2] ^= 1
        with pytest.raises(CorruptBatch, match="crc32c"):
            take(bytes(stored), **rules)


def test_more_than_one_batch_is_refused() -> None:
    with pytest.raises(BatchRefused, match="expected one batch"):
        take(encode_batch(FIELDS) * 2)


def produced(broker: AskedBroker, topic: str, stored: bytes) -> PartitionAppended:
    batches_of = PartitionBatches(0, memoryview(bytearray(stored)))
    request = ProduceRequest(1, 1_000, (TopicBatches(topic, (batches_of,)),))
    header = RequestHeader(0, 9, 7, "client")
    (answered,) = produce(broker.state, broker.session, header, request).topics
    (partition,) = answered.partitions
    return partition


def test_a_topics_settings_hold_for_what_is_produced_to_it() -> None:
    broker = AskedBroker()
    for name, settings in {
        "zstd": {"compression.type": "zstd"},
        "now": {"message.timestamp.type": "LogAppendTime"},
        "keyed": {"cleanup.policy": "compact"},
    }.items():
        broker.topics.create(name, 1, now_ms=0, settings=settings)
    assert produced(broker, "zstd", encode_batch(FIELDS)).error_code == ErrorCode.NONE
    assert produced(broker, "now", encode_batch(FIELDS)).log_append_time_ms == broker.now_ms
    refused = produced(broker, "keyed", encode_batch([*FIELDS, (9, None, b"v", ())]))
    assert refused.error_code == ErrorCode.INVALID_RECORD
    assert [fault.batch_index for fault in refused.record_faults] == [2]
    codecs, times = [], []
    for name in ("zstd", "now"):
        partition = broker.topics.partition(name, 0)
        assert partition is not None
        region = partition.log.read(0, 1 << 20).region
        assert region is not None
        (batch,) = batches(region.read())
        codecs.append(batch.header.codec)
        times.append([record.timestamp_ms for record in records(batch)])
    assert codecs == [Codec.ZSTD, Codec.NONE]
    assert times == [[5, 9], [broker.now_ms, broker.now_ms]]


def test_what_only_a_leader_may_write_is_refused_from_clients() -> None:
    broker = AskedBroker()
    broker.topics.create("t", 1, now_ms=0)
    marker = encode_marker(Marker(MarkerKind.ABORT, 0), 5, 7, 0)
    twice = encode_batch(FIELDS) * 2
    assert produced(broker, "t", marker).error_code == ErrorCode.INVALID_RECORD
    assert produced(broker, "t", twice).error_code == ErrorCode.INVALID_RECORD
    flipped = bytearray(encode_batch(FIELDS))
    flipped[22] ^= 0x20  # now a control batch, by a bit that the checksum covers
    assert produced(broker, "t", bytes(flipped)).error_code == ErrorCode.CORRUPT_MESSAGE
