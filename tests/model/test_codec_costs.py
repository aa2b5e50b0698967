"""Codecs in loads that are rates: what batches gain over messages."""

import pytest

from iowitness.model.codec_costs import CODEC_COSTS, compress_bytes_per_s, compressed_ratio
from iowitness.model.compressed_size import Codec


@pytest.mark.parametrize("codec", CODEC_COSTS)
def test_records_compress_better_together_than_alone(codec: Codec) -> None:
    together = compressed_ratio(codec, "batch", 200, 16_384)
    alone = compressed_ratio(codec, "message", 200, 16_384)
    assert 0.1 < together < 0.6
    assert together < 0.7 * alone


@pytest.mark.parametrize("codec", CODEC_COSTS)
def test_larger_pieces_compress_faster(codec: Codec) -> None:
    assert compress_bytes_per_s(codec, 16_384) > 1.2 * compress_bytes_per_s(codec, 200)


def test_the_same_question_has_the_same_answer() -> None:
    assert compressed_ratio("lz4", "batch", 100, 4_096) == compressed_ratio(
        "lz4", "batch", 100, 4_096
    )
