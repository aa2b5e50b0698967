import pytest

from iowitness.specs.compression import Compression
from iowitness.specs.contract import judge
from iowitness.specs.verdict import Outcome, Verdict
from tests.doubles.hand_written import HandWritten
from tests.doubles.kafka_bytes import batch

GZIP = Compression(files="**/*.log", codec="gzip")


def judged(told: HandWritten, claim: Compression = GZIP) -> Verdict:
    return judge(claim, told.history(data_is_visible=True))


def stored(*writes: bytes, kept: int | None = None) -> HandWritten:
    told = HandWritten()
    offset = 0
    for data in writes:
        told.written(offset, len(data), data=data[:kept])
        offset += len(data)
    return told


def test_batches_with_the_expected_codec_hold() -> None:
    verdict = judged(
        stored(batch(1, codec="gzip"), batch(2, codec="gzip") + batch(3, codec="gzip"))
    )
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "3 batches, all gzip"


@pytest.mark.parametrize("codec", ["none", "snappy", "lz4", "zstd"])
def test_one_batch_with_another_codec_is_named(codec: str) -> None:
    verdict = judged(stored(batch(1, codec="gzip"), batch(2, 300, codec=codec)))
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary.startswith(
        f"batch of 300 B at 200 has codec {codec}, expected gzip (plain-0/0….log"
    )


def test_the_head_of_each_write_is_enough() -> None:
    assert judged(stored(batch(1, codec="gzip"), kept=32)).outcome is Outcome.HOLDS


def test_heads_that_were_not_kept_are_unknown() -> None:
    two = batch(1, codec="gzip") + batch(2, codec="gzip")
    verdict = judged(stored(two, kept=32))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "head of the batch at 200 was not kept" in verdict.summary
    assert verdict.hint is not None
    assert judged(stored(batch(1, codec="gzip"), kept=0)).outcome is Outcome.UNKNOWN


def test_a_batch_written_in_two_pieces_is_one() -> None:
    whole = batch(1, codec="gzip")
    for cut in (1, 11, 12, 22, 23, 199):
        verdict = judged(stored(whole[:cut], whole[cut:]))
        assert verdict.outcome is Outcome.HOLDS
        assert verdict.figures[0].value == 1


def test_control_batches_have_no_codec_to_speak_of() -> None:
    control = bytearray(batch(1, 78))
    control[22] |= 0x20
    assert judged(stored(batch(2, codec="gzip"), bytes(control))).outcome is Outcome.HOLDS


def test_what_is_no_batch_is_a_violation() -> None:
    assert "no record batch at 0" in judged(stored(b"some text\n" * 20)).summary


def test_a_shared_writable_mapping_makes_it_unknown() -> None:
    told = stored(batch(1, codec="gzip"))
    told.mapped()
    assert judged(told).outcome is Outcome.UNKNOWN


def test_no_batch_shows_nothing() -> None:
    assert judged(HandWritten()).outcome is Outcome.UNKNOWN


def test_a_batch_that_was_begun_and_not_finished_is_unknown() -> None:
    verdict = judged(stored(batch(1, codec="gzip"), batch(2, codec="gzip")[:150]))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "batch at 200 was begun and not finished" in verdict.summary
