"""What a leader refuses, and that it says which records are at fault."""

import pytest

from iowitness.impl.batch_format import read_header, stamp_max_timestamp, stamp_offsets
from iowitness.impl.batch_reader import batches
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.errors import BatchRefused
from iowitness.impl.leader_validation import RecordRules, check_client_set, check_records

NOW_MS = 1_000_000
SOUND = encode_batch([(NOW_MS, b"k", b"v", ()), (NOW_MS + 5, b"k", b"w", ())])

TRANSACTIONAL = encode_batch([(NOW_MS, b"k", b"v", ())], stamp=ProducerStamp.transactional(1, 0, 0))


def moved() -> bytes:
    stored = bytearray(SOUND)
    stamp_offsets(stored, 5, -1)
    return bytes(stored)


def miscounted() -> bytes:
    stored = bytearray(SOUND)
    stored[23:27] = (7).to_bytes(4, "big")
    return bytes(stored)


def log_append_timed() -> bytes:
    stored = bytearray(SOUND)
    stamp_max_timestamp(stored, NOW_MS, attributes=8)
    return bytes(stored)


def test_a_sound_batch_is_taken() -> None:
    assert check_client_set(SOUND) == read_header(SOUND)
    (batch,) = batches(SOUND)
    assert check_records(batch, RecordRules(needs_keys=True), NOW_MS) == NOW_MS + 5


@pytest.mark.parametrize(
    ("stored", "reason", "code"),
    [
        (SOUND + SOUND, "expected one batch", 87),
        (moved(), "base offset=5", 87),
        (miscounted(), "record count=2, expected 8", 87),
        (encode_marker(Marker(MarkerKind.COMMIT, 0), NOW_MS, 1, 0), "control batch", 87),
        (log_append_timed(), "log-append time", 32),
        (TRANSACTIONAL, "transactions are not coordinated", 48),
    ],
)
def test_what_a_client_must_not_send_is_refused(stored: bytes, reason: str, code: int) -> None:
    with pytest.raises(BatchRefused, match=reason) as refused:
        check_client_set(stored)
    assert refused.value.error_code == code


def test_records_without_a_key_are_named_by_their_place() -> None:
    (batch,) = batches(encode_batch([(NOW_MS, b"k", b"v", ()), (NOW_MS, None, b"v", ())]))
    with pytest.raises(BatchRefused) as refused:
        check_records(batch, RecordRules(needs_keys=True), NOW_MS)
    assert (refused.value.error_code, refused.value.record_indexes) == (87, (1,))


def test_timestamps_outside_the_window_are_named_by_their_place() -> None:
    times = (NOW_MS - 11, NOW_MS - 10, NOW_MS + 10, NOW_MS + 11, -1)
    (batch,) = batches(encode_batch([(time, None, b"v", ()) for time in times]))
    with pytest.raises(BatchRefused) as refused:
        check_records(batch, RecordRules(before_ms=10, after_ms=10), NOW_MS)
    assert (refused.value.error_code, refused.value.record_indexes) == (32, (0, 3))
