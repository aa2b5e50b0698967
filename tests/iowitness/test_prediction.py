"""`prediction`: from the shared description of a workload to what the model says of it."""

import pytest

from iowitness.model.hardware_yaml import read_hardware
from iowitness.model.yaml_parts import WhatIfError
from iowitness.prediction import hardware_named, predict, preset_names
from iowitness.specs.workload import Consume, Produce, Restart, Workload
from iowitness.traces.events import Marked

SMALL = Workload(
    steps=(
        Produce(topic="t", partition_count=2, record_count=500, key_count=9, codec="gzip"),
        Restart(),
        Consume(topic="t", partition_count=2, start_offset=3),
    ),
    segment_byte_count=4_096,
)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_predicts_and_names_its_sources(name: str) -> None:
    assert hardware_named(name).name == name
    figures = predict(SMALL, name).figures
    assert figures.record_count == 500
    assert figures.duration_ns > 0


def test_phases_are_named_by_step_and_number() -> None:
    marks = [e.name for e in predict(SMALL).history.of_kind(Marked) if e.verb == "begin"]
    assert marks == ["produce-1", "restart-2", "consume-3"]


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(FileNotFoundError, match="hdd-7200"):
        hardware_named("floppy")


def test_a_bad_preset_tells_all_its_errors() -> None:
    with pytest.raises(WhatIfError) as caught:
        read_hardware("disk:\n  kind: solid\n  byte_count: -1\nmemroy: {}\n", "x.yaml", "x")
    text = str(caught.value)
    assert "x.yaml:3:15: disk.byte_count=-1, expected > 0" in text
    assert "memroy: unknown key, did you mean memory?" in text
    assert "sources is missing" in text
