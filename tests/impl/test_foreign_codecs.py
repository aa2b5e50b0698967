"""Batches that kafka-python and aiokafka write are read by ours, and ours by theirs."""

import importlib.util
from typing import Any

import lz4.frame
import pytest
import zstandard
from hypothesis import given

from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_reader import batches, records, streamed_records
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.compression import Compressor, plain_bytes
from iowitness.impl.errors import CorruptRecord
from iowitness.impl.record_writer import RecordFields
from tests.strategies.batches import record_lists

pytestmark = pytest.mark.client

ENCODERS = ["aiokafka", "kafka"]

# kafka-python reaches snappy only through python-snappy, which is no dependency of ours.
PAIRS = [
    (name, codec)
    for name in ENCODERS
    for codec in Codec
    if (name, codec) != ("kafka", Codec.SNAPPY) or importlib.util.find_spec("snappy")
]


def foreign(name: str) -> Any:
    return pytest.importorskip(f"{name}.record.default_records")


def their_batch(name: str, codec: Codec, fields: list[RecordFields]) -> bytes:
    builder = foreign(name).DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 20,
    )
    for offset, (timestamp_ms, key, value, headers) in enumerate(fields):
        builder.append(offset, timestamp_ms, key, value, list(headers))
    return bytes(builder.build())


def as_fields(
    offset: int, timestamp_ms: int, key: Any, value: Any, headers: Any
) -> tuple[Any, ...]:
    return offset, timestamp_ms, key, value, [tuple(header) for header in headers]


@pytest.mark.parametrize(("name", "codec"), PAIRS)
@given(fields=record_lists(30))
def test_their_batches_are_read_by_ours(
    name: str, codec: Codec, fields: list[RecordFields]
) -> None:
    (batch,) = batches(their_batch(name, codec, fields))
    batch.check()
    found = list(records(batch))
    assert found == list(streamed_records(batch))
    wanted = [as_fields(i, *record) for i, record in enumerate(fields)]
    assert [as_fields(r.offset, r.timestamp_ms, r.key, r.value, r.headers) for r in found] == wanted


@pytest.mark.parametrize(("name", "codec"), PAIRS)
@given(fields=record_lists(30))
def test_our_batches_are_read_by_theirs(
    name: str, codec: Codec, fields: list[RecordFields]
) -> None:
    theirs = foreign(name).DefaultRecordBatch(encode_batch(fields, Compressor(codec)))
    assert theirs.validate_crc()
    found = [as_fields(r.offset, r.timestamp, r.key, r.value, r.headers) for r in theirs]
    assert found == [as_fields(i, *record) for i, record in enumerate(fields)]


@pytest.mark.parametrize("name", ENCODERS)
@given(fields=record_lists(30))
def test_uncompressed_batches_are_the_same_bytes(name: str, fields: list[RecordFields]) -> None:
    theirs, ours = their_batch(name, Codec.NONE, fields), encode_batch(fields)
    # kafka-python fills in leader epoch 0, which the leader overwrites.
    assert (theirs[:12], theirs[16:]) == (ours[:12], ours[16:])


PLAIN = b"what all the clients wrote " * 9_000


def test_linked_lz4_blocks_are_refused_as_java_refuses_them() -> None:
    linked = lz4.frame.compress(PLAIN, block_linked=True)
    with pytest.raises(CorruptRecord, match="linked"):
        plain_bytes(Codec.LZ4, linked)


@pytest.mark.parametrize(
    "options",
    [{"content_checksum": True}, {"block_checksum": True}, {"store_size": True}],
    ids=lambda options: next(iter(options)),
)
def test_lz4_frames_with_checksums_and_sizes_are_read(options: dict[str, bool]) -> None:
    frame = lz4.frame.compress(PLAIN, block_linked=False, **{"store_size": False, **options})
    assert plain_bytes(Codec.LZ4, frame) == PLAIN


@pytest.mark.parametrize("position", [0, 4, 5, 6])
def test_an_lz4_frame_with_a_damaged_head_is_refused(position: int) -> None:
    frame = bytearray(Compressor(Codec.LZ4).compressed(PLAIN))
    frame[position] ^= 0x01
    with pytest.raises(CorruptRecord, match="lz4"):
        plain_bytes(Codec.LZ4, bytes(frame))
    with pytest.raises(CorruptRecord, match="lz4"):
        plain_bytes(Codec.LZ4, bytes(frame[:5]))


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD])
def test_a_stream_that_is_cut_anywhere_is_an_error(codec: Codec) -> None:
    stored = Compressor(codec).compressed(PLAIN[:300])
    for length in range(1, len(stored)):
        try:
            assert plain_bytes(codec, stored[:length]) != PLAIN[:300]
        except CorruptRecord:
            continue
        # Only snappy's frame may end between blocks: the record count tells it then.
        assert (codec, length) == (Codec.SNAPPY, 16)


@pytest.mark.parametrize("write_content_size", [True, False])
def test_zstd_frames_are_read_with_and_without_their_size(write_content_size: bool) -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=write_content_size)
    assert plain_bytes(Codec.ZSTD, compressor.compress(PLAIN)) == PLAIN


def test_gzip_members_that_follow_one_another_are_one_stream() -> None:
    member = Compressor(Codec.GZIP).compressed(PLAIN)
    assert plain_bytes(Codec.GZIP, member + member) == PLAIN + PLAIN
