"""What a codec makes of records, and what it takes: for loads that are rates and not bytes.

Sizes are the real libraries', on a sample of records that look like JSON events; yours may do
better or worse. Times are measured: `time_ns = call_ns + bytes * ns_per_byte`, through 16 KiB of
such records of 1,000 B at once and through records of 100 and 1,000 B alone, in CPU time of a core
of an Intel Xeon in a virtual machine that others used too, so to a third or so: lz4 4.4.5,
cramjam 2.14, zstandard 0.25 (level 3), zlib 1.2.13 (level 6).
"""

import functools
from dataclasses import dataclass
from typing import Literal, TypeAlias

from iowitness.model.compressed_size import Codec, compressed_byte_count

CompressBy: TypeAlias = Literal["batch", "message"]

_SAMPLE_LIMIT_BYTE_COUNT = 131_072
_WORDS = tuple(
    "alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november "  # noqa: SIM905 - a list of 26 lines says no more
    "oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu".split()
)


@dataclass(frozen=True, slots=True)
class CodecCost:
    """Time of one core: for each call, and for each plain byte."""

    call_ns: float
    compress_ns_per_byte: float
    decompress_ns_per_byte: float


CODEC_COSTS: dict[Codec, CodecCost] = {
    "lz4": CodecCost(900, 1.9, 0.6),
    "snappy": CodecCost(250, 1.5, 0.9),
    "zstd": CodecCost(3_200, 5.2, 1.8),
    "gzip": CodecCost(8_400, 32.0, 3.3),
}


def compressed_ratio(
    codec: Codec, compress_by: CompressBy, record_byte_count: int, batch_byte_count: int
) -> float:
    """Compressed over plain size of the sample's records, compressed together or one by one."""
    return _ratio(codec, compress_by, record_byte_count, batch_byte_count)


def compress_bytes_per_s(codec: Codec, piece_byte_count: int) -> float:
    """Plain bytes a second of one core, in pieces of a size."""
    cost = CODEC_COSTS[codec]
    return 1e9 * piece_byte_count / (cost.call_ns + piece_byte_count * cost.compress_ns_per_byte)


def decompress_bytes_per_s(codec: Codec, piece_byte_count: int) -> float:
    """Plain bytes a second of one core, in pieces of a size."""
    cost = CODEC_COSTS[codec]
    return 1e9 * piece_byte_count / (cost.call_ns + piece_byte_count * cost.decompress_ns_per_byte)


@functools.lru_cache(maxsize=1_024)
def _ratio(
    codec: Codec, compress_by: CompressBy, record_byte_count: int, batch_byte_count: int
) -> float:
    wanted = min(batch_byte_count, _SAMPLE_LIMIT_BYTE_COUNT)
    count = max(1, wanted // record_byte_count)
    records = [_sample_record(index, record_byte_count) for index in range(count)]
    pieces = [b"".join(records)] if compress_by == "batch" else records[:64]
    return sum(compressed_byte_count(codec, one) for one in pieces) / sum(map(len, pieces))


def _sample_record(index: int, byte_count: int) -> bytes:
    """An event as services write them: fields that repeat, numbers that don't, words."""
    state = _mixed(index)
    day_s = index % 86_400
    text = (
        f'{{"id":{index},"at":"2026-01-01T{day_s // 3600:02d}:{day_s // 60 % 60:02d}:'
        f'{day_s % 60:02d}.{state % 1000:03d}Z","user":"u-{state:08x}",'
        f'"action":"{("view", "click", "buy", "leave")[state >> 8 & 3]}",'
        f'"amount":{state % 997}.{state % 100:02d},"note":"'
    )
    parts = [text]
    length = len(text)
    while length < byte_count:
        state = _mixed(state)
        parts.append(f"{_WORDS[state % len(_WORDS)]} {state // 31 % 10_000} ")
        length += len(parts[-1])
    return "".join(parts)[:byte_count].encode()


def _mixed(number: int) -> int:
    """A fixed pseudo-random number below 2**32. Source: the finalizer of MurmurHash3."""
    number = (number + 0x9E3779B9) & 0xFFFFFFFF
    number = ((number ^ number >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
    number = ((number ^ number >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
    return number ^ number >> 16
