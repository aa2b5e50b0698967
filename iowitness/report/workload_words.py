"""A workload in sentences."""

from iowitness.report.quantities import bytes_text, count_text
from iowitness.specs.workload import Consume, Produce, Restart, Step


def step_sentence(step: Step) -> str:
    """What one step does, with its sizes."""
    match step:
        case Produce():
            return _produce_sentence(step)
        case Consume():
            return (
                f"One consumer reads {step.topic} ({_partitions(step.partition_count)}) from "
                f"record {count_text(step.start_offset)} of each partition to the end, at most "
                f"{bytes_text(step.partition_byte_count)} of a partition in a fetch."
            )
        case Restart():
            return "The broker stops cleanly and starts again on the same folder."


def _produce_sentence(step: Produce) -> str:
    size = f"{count_text(step.value_byte_count)} B"
    if step.value_byte_spread:
        size += f" to {count_text(step.value_byte_count + step.value_byte_spread)} B"
    keys = f"{count_text(step.key_count)} keys" if step.key_count else "no keys"
    codec = "uncompressed" if step.codec == "none" else step.codec
    return (
        f"One producer sends {count_text(step.record_count)} records of {size} to {step.topic} "
        f"({_partitions(step.partition_count)}), {keys}, {codec}, in batches of "
        f"{bytes_text(step.batch_size)}, linger {step.linger_ms:,} ms, acks={step.acks}."
    )


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count} partitions"
