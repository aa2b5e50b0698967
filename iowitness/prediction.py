"""From a workload of `specs` to a prediction of `model`: the only place that knows both."""

from collections.abc import Iterator

from iowitness.model import what_if
from iowitness.model.record_encoding import Record
from iowitness.model.simulate import Prediction, simulate
from iowitness.model.yaml_parts import WhatIfError
from iowitness.preset_files import hardware_named, preset_names
from iowitness.specs import workload as described

DEFAULT_PRESET = "ssd-sata"


def predict(
    workload: described.Workload, preset_name_or_path: str = DEFAULT_PRESET, seed: int = 0
) -> Prediction:
    """What a workload would do on a preset's hardware."""
    question = what_if.WhatIf(
        hardware=hardware_named(preset_name_or_path),
        workload=what_if.Workload(steps=tuple(map(_step, workload.steps))),
        log_policy=what_if.LogPolicy(
            segment_byte_count=workload.segment_byte_count,
            index_interval_byte_count=workload.index_interval_byte_count,
        ),
    )
    return simulate(question, seed)


def _step(step: described.Step) -> what_if.Step:
    match step:
        case described.Produce():
            return _produce(step)
        case described.Consume():
            return what_if.Consume(
                topic=step.topic,
                partition_count=step.partition_count,
                start_offset=step.start_offset,
                partition_byte_count=step.partition_byte_count,
                fetch_byte_count=step.fetch_byte_count,
            )
        case described.Restart():
            return what_if.Restart()


def _produce(step: described.Produce) -> what_if.Produce:
    def records() -> Iterator[Record]:
        for one in step.records():
            yield Record(one.timestamp_ms, one.key, one.value, one.partition)

    return what_if.Produce(
        topic=step.topic,
        partition_count=step.partition_count,
        records=records,
        codec=step.codec,
        batch_size_byte_count=step.batch_size,
        linger_ms=step.linger_ms,
        acks=step.acks,
        buffer_memory_byte_count=step.buffer_memory,
        max_batches_per_request=step.max_batches_per_request,
        max_in_flight=step.max_in_flight,
    )


__all__ = ["DEFAULT_PRESET", "WhatIfError", "hardware_named", "predict", "preset_names"]
