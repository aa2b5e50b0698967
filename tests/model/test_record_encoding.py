"""`record_encoding`: sizes without encoding are the sizes of the encoding."""

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from iowitness.model.record_encoding import (
    BATCH_HEAD_BYTE_COUNT,
    Record,
    encoded_record,
    record_byte_count,
    varint,
    varint_byte_count,
)

contents = st.none() | st.binary(max_size=300)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_varint_is_as_long_as_it_says(number: int) -> None:
    assert len(varint(number)) == varint_byte_count(number)


@given(st.integers(-(2**40), 2**40), st.integers(0, 2**20), contents, contents)
def test_a_record_is_as_long_as_it_says(
    delta_ms: int, offset_delta: int, key: bytes | None, value: bytes | None
) -> None:
    record = Record(0, key, value, None)
    encoded = encoded_record(record, delta_ms, offset_delta)
    assert len(encoded) == record_byte_count(record, delta_ms, offset_delta)


def test_bytes_are_those_of_a_foreign_encoder() -> None:
    foreign = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1,
        base_sequence=-1, batch_size=1 << 20,
    )  # fmt: skip
    ours = b""
    for index in range(200):
        record = Record(1_700_000_000_000 + 37 * index, None if index % 3 else b"k" * index,
                        None if index % 7 == 0 else b"v" * (index * 3), None)  # fmt: skip
        foreign.append(index, record.timestamp_ms, record.key, record.value, [])
        ours += encoded_record(record, 37 * index, index)
    assert bytes(foreign.build())[BATCH_HEAD_BYTE_COUNT:] == ours
