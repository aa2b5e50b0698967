"""Batches round trip, in every codec, and damage is always told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.batch_format import (
    HEADER_BYTE_COUNT,
    MAX_SEQUENCE,
    Codec,
    read_header,
    sequence_after,
    stamp_max_timestamp,
    stamp_offsets,
)
from iowitness.impl.batch_reader import Batch, batches, records, streamed_records
from iowitness.impl.batch_writer import (
    BatchBuilder,
    ProducerStamp,
    encode_batch,
    encode_values,
)
from iowitness.impl.compression import Compressor, ReadLimits, plain_bytes
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker, read_marker
from iowitness.impl.errors import CorruptBatch, CorruptRecord, LimitExceeded
from iowitness.impl.record_columns import encoded_columns
from iowitness.impl.record_writer import RecordFields, encoded_record, encoded_records
from tests.strategies.batches import COMPRESSORS, record_lists


def one(buffer: bytes) -> Batch:
    (batch,) = batches(buffer)
    return batch


def fields_of(batch: Batch) -> list[RecordFields]:
    return [(r.timestamp_ms, r.key, r.value, list(r.headers)) for r in records(batch)]


@given(record_lists(), COMPRESSORS)
def test_records_come_back_as_they_went_in(
    fields: list[RecordFields], compressor: Compressor
) -> None:
    batch = one(encode_batch(fields, compressor))
    batch.check()
    assert fields_of(batch) == [(t, k, v, list(h)) for t, k, v, h in fields]
    assert list(streamed_records(batch)) == list(records(batch))
    assert [r.offset for r in records(batch)] == list(range(len(fields)))


@given(record_lists(), st.integers(61, 400))
def test_a_builder_is_exact_and_takes_a_first_record_of_any_size(
    fields: list[RecordFields], limit: int
) -> None:
    builder = BatchBuilder(limit)
    taken = []
    for record in fields:
        before = builder.byte_count
        if builder.try_append(*record):
            taken.append(record)
        else:
            size = len(encoded_record(record[0] - fields[0][0], len(taken), *record[1:]))
            assert before + size > limit
            assert builder.byte_count == before
    stored = builder.build()
    assert len(stored) == builder.byte_count
    assert stored == encode_batch(taken)
    assert taken[0] == fields[0]
    assert len(taken) == 1 or len(stored) <= limit


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=80))
def test_values_alone_are_encoded_as_records_with_values_alone(values: list[bytes]) -> None:
    assert encode_values(values, 7) == encode_batch([(7, None, value, ()) for value in values])
    same = [values[0]] * len(values)
    assert encode_values(same, 7) == encode_batch([(7, None, value, ()) for value in same])


USUAL_SIZES = st.sampled_from([0, 1, 20, 63, 64, 100, 8_186, 8_191, 8_192, 9_000])


@given(
    st.lists(st.sampled_from([0, 0, 1, 3, 63, 64, 9_000, -1]), min_size=7, max_size=80),
    st.lists(USUAL_SIZES, min_size=1, max_size=3),
    st.none() | st.lists(USUAL_SIZES, min_size=1, max_size=3),
    st.booleans(),
)
def test_columns_encode_as_record_by_record_does(
    steps_ms: list[int], value_sizes: list[int], key_sizes: list[int] | None, has_odd_one: bool
) -> None:
    now_ms = 1_700_000_000_000
    fields: list[RecordFields] = []
    for place, step_ms in enumerate(steps_ms):
        now_ms += step_ms
        key = b"k" * key_sizes[place % len(key_sizes)] if key_sizes else None
        fields.append((now_ms, key, bytes(value_sizes[place % len(value_sizes)]), ()))
    if has_odd_one:
        fields[len(fields) // 2] = (now_ms, b"key", None, (("h", None),))
    expected = encoded_records(fields, fields[0][0])
    assert encoded_columns(fields) in (expected, None)
    batch = one(encode_batch(fields))
    assert fields_of(batch) == [(t, k, v, list(h)) for t, k, v, h in fields]


def test_columns_take_the_usual_batch_and_leave_the_others() -> None:
    usual = [(5 + i, None, b"v" * 100, ()) for i in range(70)]
    keyed = [(5, b"k" * i, b"v" * (100 - i), ()) for i in range(70)]
    assert encoded_columns(usual) == encoded_records(usual, 5)
    assert encoded_columns(keyed) == encoded_records(keyed, 5)
    assert encoded_columns(usual[:7]) is None
    for odd in ((4, None, b"v", ()), (75, b"k", b"v", ()), (75, None, None, ())):
        assert encoded_columns([*usual, odd]) is None
    assert encoded_columns([*usual, (75, None, b"v", (("h", None),))]) is None
    assert encoded_columns([*usual, (75, None, bytes(9_000), ())]) is None


def test_stamping_offset_and_epoch_leaves_the_checksum_valid() -> None:
    stored = bytearray(encode_batch([(5, None, b"v", ())]))
    stamp_offsets(stored, 1_000, 3)
    batch = one(bytes(stored))
    batch.check()
    assert (batch.header.base_offset, batch.header.partition_leader_epoch) == (1_000, 3)


def test_log_append_time_is_every_records_timestamp_and_needs_a_new_checksum() -> None:
    stored = bytearray(encode_batch([(5, None, b"v", ()), (9, None, b"w", ())]))
    crc = read_header(stored).crc
    stamp_max_timestamp(stored, 77, attributes=8)
    batch = one(bytes(stored))
    batch.check()
    assert batch.header.crc != crc
    assert [record.timestamp_ms for record in records(batch)] == [77, 77]


@pytest.mark.parametrize("codec", list(Codec))
def test_no_flipped_bit_and_no_cut_gives_a_wrong_record(codec: Codec) -> None:
    fields = [(1_000 + i, b"key-%d" % i, b"value-%d" % i * 4, (("h", b"x"),)) for i in range(6)]
    sound = encode_batch(fields, Compressor(codec))
    expected = list(records(one(sound)))
    for position in range(len(sound)):
        for bit in range(8):
            damaged = bytearray(sound)
            damaged[position] ^= 1 << bit
            try:
                for batch in batches(bytes(damaged)):
                    batch.check()
                    found = list(records(batch))
                    # Base offset and epoch lie outside the checksum: the log knows those itself.
                    assert position < 8 or 12 <= position < 16
                    assert [r.value for r in found] == [r.value for r in expected]
            except CorruptBatch:
                continue
    for length in range(len(sound)):
        assert list(batches(sound[:length])) == []


@pytest.mark.parametrize("codec", list(Codec))
@given(data=st.data())
def test_damage_under_a_right_checksum_is_an_error_or_a_whole_batch(
    codec: Codec, data: st.DataObject
) -> None:
    fields = [(1_000 + i, b"key", b"value-%d" % i * 3, ()) for i in range(4)]
    stored = bytearray(encode_batch(fields, Compressor(codec)))
    position = data.draw(st.integers(HEADER_BYTE_COUNT, len(stored) - 1))
    stored[position] = data.draw(st.integers(0, 255))
    stamp_max_timestamp(stored, 1_003, attributes=codec)
    batch = one(bytes(stored))
    batch.check()
    try:
        found = list(records(batch))
    except CorruptRecord:
        with pytest.raises(CorruptRecord):
            list(streamed_records(batch))
    else:
        assert len(found) == len(fields)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 2_000_000_000])
@pytest.mark.parametrize("codec", [Codec.NONE, Codec.GZIP])
def test_a_record_count_that_is_not_the_records_is_an_error(count: int, codec: Codec) -> None:
    stored = bytearray(encode_batch([(1, None, b"a", ()), (2, None, b"b", ())], Compressor(codec)))
    stored[57:61] = count.to_bytes(4, "big")
    stored[23:27] = max(count - 1, 1).to_bytes(4, "big")
    batch = one(bytes(stored))
    for read in (records, streamed_records):
        with pytest.raises(CorruptRecord):
            list(read(batch))


RECORD_DAMAGES = {
    "a length past the end": (b"\x7e\x00\x00\x00\x01\x02a\x00", "record of"),
    "a negative length": (b"\x01\x00\x00\x00\x01\x02a\x00", "record of"),
    "fields shorter than the length": (b"\x10\x00\x00\x00\x01\x02a\x00\x00", "uses"),
    "a key past the record": (b"\x0e\x00\x00\x00\x40\x02a\x00", "field of"),
    "a key length of -2": (b"\x0e\x00\x00\x00\x03\x02a\x00", "field of"),
    "a header count over the bytes left": (
        b"\x0e\x00\x00\x00\x01\x02a\x7e",
        "header count|runs past",
    ),
    "a negative header count": (b"\x0e\x00\x00\x00\x01\x02a\x01", "header count|runs past"),
    "a null header key": (b"\x12\x00\x00\x00\x01\x02a\x02\x01\x01", "header key"),
    "a header key that is no UTF-8": (b"\x14\x00\x00\x00\x01\x02a\x02\x02\xff\x01", "UTF-8"),
    "a varint of six bytes": (b"\xff\xff\xff\xff\xff\x01\x00", "longer than 5"),
    "a varlong of eleven bytes": (b"\x1c\x00" + b"\xff" * 10 + b"\x01\x00\x01\x01\x00", "longer"),
    "a varint that ends early": (b"\x80", "runs past"),
}


@pytest.mark.parametrize("damage", RECORD_DAMAGES)
def test_a_record_that_is_not_what_its_lengths_say_is_an_error(damage: str) -> None:
    plain, reason = RECORD_DAMAGES[damage]
    stored = bytearray(encode_batch([(1, None, b"a", ())])[:HEADER_BYTE_COUNT] + plain)
    stored[8:12] = (len(stored) - 12).to_bytes(4, "big")
    with pytest.raises(CorruptRecord, match=reason):
        list(records(one(bytes(stored))))


def test_sequences_wrap_from_the_largest_int_to_0() -> None:
    assert sequence_after(MAX_SEQUENCE, 1) == 0
    stored = encode_batch([(1, None, b"a", ())] * 3, stamp=ProducerStamp(9, 0, MAX_SEQUENCE - 1))
    assert read_header(stored).last_sequence == 0


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [(ProducerStamp(5, -1, 0), "epoch=-1"), (ProducerStamp(5, 0, -1), "sequence=-1")],
)
def test_a_producer_id_needs_an_epoch_and_a_sequence(stamp: ProducerStamp, reason: str) -> None:
    batch = one(encode_batch([(1, None, b"a", ())], stamp=stamp))
    with pytest.raises(CorruptBatch, match=reason):
        batch.check()


@pytest.mark.parametrize("kind", list(MarkerKind))
def test_a_marker_is_read_back_from_its_control_batch(kind: MarkerKind) -> None:
    batch = one(encode_marker(Marker(kind, 12), 100, 5, 1))
    batch.check()
    assert batch.header.is_control
    assert read_marker(batch) == Marker(kind, 12)


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])
def test_a_small_batch_cannot_ask_for_a_large_buffer(codec: Codec) -> None:
    bomb = Compressor(codec).compressed(bytes(8 << 20))
    limits = ReadLimits(plain_byte_count=1 << 20)
    with pytest.raises(CorruptRecord):
        plain_bytes(codec, bomb, limits)
    with pytest.raises(LimitExceeded):
        plain_bytes(
            Codec.GZIP, Compressor(Codec.GZIP).compressed(bytes(1 << 20)), ReadLimits(ratio=1)
        )


@pytest.mark.parametrize(
    ("codec", "level"), [(Codec.GZIP, 0), (Codec.GZIP, 10), (Codec.LZ4, 18), (Codec.ZSTD, 23)]
)
def test_levels_outside_a_codecs_range_are_refused(codec: Codec, level: int) -> None:
    with pytest.raises(ValueError, match=f"level={level}, expected"):
        Compressor(codec, level)


@pytest.mark.parametrize("codec", [Codec.NONE, Codec.SNAPPY])
def test_codecs_without_levels_take_none(codec: Codec) -> None:
    with pytest.raises(ValueError, match="expected none"):
        Compressor(codec, 1)


@pytest.mark.parametrize("level", [-1, 1, 9])
def test_gzip_gives_the_same_bytes_every_time(level: int) -> None:
    plain = b"the same again " * 100
    compressor = Compressor(Codec.GZIP, level)
    stored = compressor.compressed(plain)
    assert stored == compressor.compressed(plain)
    assert stored[4:8] == bytes(4)
    assert plain_bytes(Codec.GZIP, stored) == plain
