"""Record batches: our codec beside kafka-python's and aiokafka's, in one run.

Repeat with: ./dev bench codec
"""

import time
from collections.abc import Callable
from typing import Any

from aiokafka.record.default_records import DefaultRecordBatch as CythonBatch
from aiokafka.record.default_records import DefaultRecordBatchBuilder as CythonBuilder
from kafka.record.default_records import DefaultRecordBatch as PythonBatch
from kafka.record.default_records import DefaultRecordBatchBuilder as PythonBuilder

from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import BatchBuilder, encode_batch, encode_values

RECORD_COUNT = 150
VALUE = b"x" * 100
NOW_MS = 1_700_000_000_000
FIELDS = [(NOW_MS + i, None, bytes([65 + i % 26]) * 100, ()) for i in range(RECORD_COUNT)]
VALUES = [fields[2] for fields in FIELDS]
ROUNDS = 60
REPEATS = 10


def incremental() -> bytes:
    builder = BatchBuilder(1 << 20)
    append = builder.try_append
    for timestamp_ms, key, value, headers in FIELDS:
        append(timestamp_ms, key, value, headers)
    return builder.build()


def bulk() -> bytes:
    return encode_batch(FIELDS)


def bulk_values() -> bytes:
    return encode_values(VALUES, NOW_MS)


def build_with(builder_class: Any) -> Callable[[], bytes]:
    def build() -> bytes:
        builder = builder_class(
            magic=2,
            compression_type=0,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=1 << 20,
        )
        append = builder.append
        for offset, (timestamp_ms, key, value, _) in enumerate(FIELDS):
            append(offset, timestamp_ms, key, value, [])
        return bytes(builder.build())

    return build


STORED = encode_batch(FIELDS)


def iterate() -> int:
    return sum(1 for batch in batches(STORED) for _ in records(batch))


def iterate_with(batch_class: Any) -> Callable[[], int]:
    def read() -> int:
        return sum(1 for _ in batch_class(STORED))

    return read


def rates(jobs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Records per second of CPU time, the best round of each; the jobs take turns.

    In turns, because the machine's speed changes from one second to the next.
    """
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            started = time.process_time()
            for _ in range(REPEATS):
                job()
            best[name] = min(best[name], time.process_time() - started)
    return {name: RECORD_COUNT * REPEATS / seconds for name, seconds in best.items()}


def main() -> None:
    encoders: dict[str, Callable[[], object]] = {
        "ours, incremental": incremental,
        "ours, bulk": bulk,
        "ours, bulk of values": bulk_values,
        "kafka-python": build_with(PythonBuilder),
        "aiokafka (Cython)": build_with(CythonBuilder),
    }
    readers: dict[str, Callable[[], object]] = {
        "ours": iterate,
        "kafka-python": iterate_with(PythonBatch),
        "aiokafka (Cython)": iterate_with(CythonBatch),
    }
    assert incremental() == bulk()
    encoded, read = rates(encoders), rates(readers)
    for title, found in (("encode", encoded), ("iterate", read)):
        for name, records_per_s in found.items():
            print(f"{title:8} {name:22} {records_per_s:12,.0f} records/s of 100 B")
    for title, ratio, goal in (
        ("incremental / kafka-python", encoded["ours, incremental"] / encoded["kafka-python"], 3),
        ("incremental / 2,000,000", encoded["ours, incremental"] / 2e6, 1),
        ("bulk / aiokafka", encoded["ours, bulk"] / encoded["aiokafka (Cython)"], 1),
        (
            "bulk of values / aiokafka",
            encoded["ours, bulk of values"] / encoded["aiokafka (Cython)"],
            1,
        ),
        ("iterate / kafka-python", read["ours"] / read["kafka-python"], 3),
    ):
        print(f"ratio    {title:30} {ratio:6.2f}  expected >= {goal}")


if __name__ == "__main__":
    main()
