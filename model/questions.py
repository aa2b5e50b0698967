"""The questions that a what-if file can ask by name: what each varies of the file's scenario."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iowitness.model.experiment import Axis

_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question: variants to compare (overlays by name) and axes to go along.

    `needs` are dotted paths that the file's scenario has to have.
    `figures` are those that its answer is about, the decisive one first.
    """

    title: str
    needs: tuple[str, ...] = ()
    variants: Mapping[str, Mapping[str, Any]]
    figures: tuple[str, ...]
    axes: tuple[Axis, ...] = ()


_BATCH_SIZES = (4_096, 16_384, 65_536, 262_144)
_LINGERS_MS = (0, 1, 5, 20, 100)
_MEMORIES = tuple(_GIB << power for power in range(6))

QUESTIONS: Mapping[str, Question] = {
    "sequential-or-random-writes": Question(
        title="What do sequential writes gain over random ones?",
        variants={
            "append to a log": {"writes": {"order": "append"}},
            "write to random places": {"writes": {"order": "random"}},
        },
        figures=("stored_bytes_per_s", "seek_count"),
    ),
    "sendfile-or-copy": Question(
        title="What does sendfile save against reading and sending?",
        variants={
            "sendfile": {"policy": {"read_path": "sendfile", "encryption": "none"}},
            "read and send": {"policy": {"read_path": "copy", "encryption": "none"}},
        },
        figures=("broker_cpu_s_per_gib", "cpu_copied_bytes", "fetched_bytes_per_s"),
    ),
    "batch-size-and-linger": Question(
        title="Which batch size and linger?",
        variants={"as described": {}},
        figures=("produce_p99_s", "records_per_request", "records_per_s", "broker_cpu_s_per_gib"),
        axes=(
            Axis("workload.producers.batch_size_byte_count", _BATCH_SIZES),
            Axis("workload.producers.linger_ms", _LINGERS_MS),
        ),
    ),
    "producer-threads": Question(
        title="What does a second producer thread give?",
        variants={
            "send on the caller's thread": {"workload": {"producers": {"thread_count": 1}}},
            "send on a thread of its own": {"workload": {"producers": {"thread_count": 2}}},
        },
        figures=("records_per_s", "records_per_request", "produce_p99_s"),
    ),
    "compress-batch-or-message": Question(
        title="What does compressing whole batches give over single messages?",
        variants={
            "not at all": {"workload": {"producers": {"codec": "none", "compress_by": "batch"}}},
            "each message": {"workload": {"producers": {"codec": "lz4", "compress_by": "message"}}},
            "each batch": {"workload": {"producers": {"codec": "lz4", "compress_by": "batch"}}},
        },
        figures=("log_bytes", "client_cpu_s", "broker_cpu_s", "produce_p99_s"),
    ),
    "memory-for-lagging-readers": Question(
        title="How much memory keeps lagging readers from the disk?",
        needs=("workload.consumers.lagging",),
        variants={"as described": {}},
        figures=("hit_share", "disk_read_bytes", "fetched_bytes_per_s"),
        axes=(
            Axis("hardware.memory.byte_count", _MEMORIES),
            Axis("workload.consumers.lagging.group_count", (1, 2, 4, 8)),
        ),
    ),
    "fsync-every-request": Question(
        title="What does an fsync for every request cost?",
        variants={
            "left to the kernel": {"policy": {"flush": "never"}},
            "fsync every request": {"policy": {"flush": "every-request"}},
        },
        figures=("stored_bytes_per_s", "produce_p50_s", "produce_p99_s", "seek_count"),
    ),
    "tls": Question(
        title="What does TLS cost?",
        variants={
            "plain text": {"policy": {"encryption": "none"}},
            "TLS": {"policy": {"encryption": "tls", "read_path": "copy"}},
        },
        figures=(
            "broker_cpu_s_per_gib",
            "client_cpu_s",
            "cpu_copied_bytes",
            "produce_p99_s",
        ),
    ),
}
