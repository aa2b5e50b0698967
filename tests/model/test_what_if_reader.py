"""What-if files: what they ask to be run, and all that can be wrong with them, told at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iowitness.model.experiment import WhatIfPlan
from iowitness.model.questions import QUESTIONS
from iowitness.model.what_if_reader import read_what_if
from iowitness.model.yaml_parts import WhatIfError
from iowitness.preset_files import preset_reader


def _read(text: str) -> WhatIfPlan:
    return read_what_if(text, "case.yaml", preset_reader(Path()))


def _problems(text: str) -> list[str]:
    with pytest.raises(WhatIfError) as found:
        _read(text)
    return [line.removeprefix("case.yaml:") for line in found.value.lines()]


def test_a_file_without_sweep_is_one_point_on_its_presets_hardware() -> None:
    (experiment,) = _read("extends: ssd-sata\nworkload: {duration_s: 3 s}").experiments
    (point,) = experiment.points
    assert point.coordinates == ()
    assert point.scenario.hardware.disk.kind == "solid"
    assert point.scenario.workload.duration_s == 3


def test_what_the_file_says_of_the_hardware_lies_over_the_preset() -> None:
    (point,) = _read(
        "extends: hdd-7200\nhardware: {memory: {byte_count: 1 GiB}, disk: {head_count: 2}}"
    ).points
    assert point.scenario.hardware.memory.byte_count == 1 << 30
    assert point.scenario.hardware.disk.kind == "spinning"
    assert point.scenario.hardware.disk.head_count == 2


def test_a_later_preset_replaces_a_disk_of_another_kind_whole() -> None:
    (point,) = _read("extends: [hdd-7200, ssd-sata]").points
    assert point.scenario.hardware.disk.kind == "solid"


def test_two_sweeps_make_a_grid_in_the_fields_units() -> None:
    (experiment,) = _read(
        """
extends: ssd-sata
sweep:
  - {field: workload.producers.linger_ms, values: [0, 5 ms, 0.1 s]}
  - field: hardware.memory.byte_count
    steps: {from: 1 GiB, to: 8 GiB, count: 4, scale: log}
"""
    ).experiments
    assert [axis.values for axis in experiment.axes] == [
        (0, 5, 100),
        (1 << 30, 1 << 31, 1 << 32, 1 << 33),
    ]
    assert len(experiment.points) == 12
    last = experiment.points[-1]
    assert last.coordinates == (100, 1 << 33)
    assert last.scenario.workload.producers.linger_ms == 100
    assert last.scenario.hardware.memory.byte_count == 1 << 33


def test_presets_can_be_swept() -> None:
    points = _read(
        "extends: ssd-sata\nsweep: [{field: extends, values: [hdd-7200, ssd-sata]}]"
    ).points
    assert [point.scenario.hardware.disk.kind for point in points] == ["spinning", "solid"]


def test_variants_are_swept_each() -> None:
    (experiment,) = _read(
        """
extends: ssd-sata
compare:
  plain: {}
  secret: {policy: {encryption: tls}}
sweep: [{field: workload.partition_count, values: [1, 2]}]
"""
    ).experiments
    assert experiment.variants == ("plain", "secret")
    assert [point.scenario.policy.encryption for point in experiment.points] == [
        "none",
        "none",
        "tls",
        "tls",
    ]


def test_every_question_has_points_that_differ() -> None:
    names = ", ".join(QUESTIONS)
    plan = _read(
        f"""
extends: ssd-sata
workload: {{stored_byte_count: 9 GB, consumers: {{lagging: {{start_lag_byte_count: 1 GB}}}}}}
questions: [{names}]
"""
    )
    assert [one.name for one in plan.experiments] == list(QUESTIONS)
    for experiment in plan.experiments:
        digests = {point.digest for point in experiment.points}
        assert len(digests) == len(experiment.points) > 1


def test_equal_scenarios_are_one_point_however_they_are_written() -> None:
    plan = _read(
        """
extends: ssd-sata
compare:
  one: {workload: {producers: {linger_ms: 0.005 s}}}
  two: {workload: {producers: {linger_ms: 5.0}}, hardware: {sources: {disk: elsewhere}}}
"""
    )
    assert len(plan.experiments[0].points) == 2
    assert len(plan.points) == 1


def test_everything_wrong_is_told_at_once_each_at_its_place() -> None:
    text = """title: everything wrong
extends: floppy
policy: {flush: sometimes}
workload:
  duration_s: 10 MB
  producers: {btch_size_byte_count: 3}
sweep:
  - {field: workload.partition_count, values: [1, 0]}
  - {field: workload.producers.linger_ms, values: [0, 1 MB]}
  - {field: policy.nothing, values: [1]}
  - {field: nothing, values: [1]}
  - {field: workload.partition_count, values: [3]}
  - {field: hardware.memory.byte_count, steps: {from: 0, to: 1 GB, count: 3, scale: log}}
questions: [tls, what, memory-for-lagging-readers]
"""
    preset = preset_reader(Path())

    def known(name: str) -> Mapping[str, Any]:
        return preset("ssd-sata" if name == "floppy" else name)

    with pytest.raises(WhatIfError) as found:
        read_what_if(text, "f", known)
    told = [line.split(": ", 1) for line in found.value.lines()]
    assert [place for place, _ in told] == [
        "f:3:17",
        "f:5:15",
        "f:6:15",
        "f:8:51",
        "f:9:51",
        "f:10:13",
        "f:11:13",
        "f:12:13",
        "f:13:48",
        "f:14:18",
        "f:14:24",
    ]
    assert told[0][1].startswith("policy.flush='sometimes', expected 'never'")
    assert told[1][1].startswith("workload.duration_s='10 MB', expected a number of s")
    assert told[2][1].endswith("unknown key, did you mean batch_size_byte_count?")
    assert told[3][1] == "workload.partition_count=0, expected > 0"
    assert told[4][1].startswith("sweep[1].values: '1 MB', expected a number of ms")
    assert told[5][1].startswith("policy.nothing: unknown key, expected one of encryption")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title: x", "1:1: hardware.disk is missing, expected extends with a preset, or a disk"),
        (
            "extends: floppy",
            "1:10: extends='floppy', expected one of ",
        ),
        (
            "extends: ssd-sata\npolicy: {encryption: tls, read_path: sendfile}",
            "2:9: policy: encryption=tls with read_path=sendfile, expected read_path=copy",
        ),
        (
            "extends: ssd-sata\nworkload: {warm_up_s: 10 s, duration_s: 5 s}",
            "2:11: workload: warm_up_s=10, expected < duration_s=5",
        ),
        (
            "extends: ssd-sata\nworkload: {consumers: {late: {start_lag_byte_count: 1 GB}}}",
            "2:11: workload: consumers.late starts 1000000000 B behind with stored_byte_count=0",
        ),
        (
            "extends: ssd-sata\nworkload: {producers: {compress_by: message}}",
            "2:23: workload.producers: compress_by=message with codec=none, expected a codec",
        ),
        (
            "extends: ssd-sata\ncompare:\n  a: {}\n  b: {policy: {flash: never}}",
            "4:16: policy.flash: unknown key, did you mean flush?",
        ),
        (
            "extends: ssd-sata\nsweep: [{field: policy.flush}]",
            "2:9: sweep[0], expected either values or steps",
        ),
        (
            """extends: ssd-sata
sweep:
- {field: workload.partition_count, steps: {from: 1, to: 999, count: 200}}
- {field: workload.duration_s, steps: {from: 2, to: 99.5, count: 100}}
""",
            "3:1: sweep: 20,000 points, expected at most 10,000",
        ),
    ],
)
def test_what_cannot_be_is_refused(text: str, problem: str) -> None:
    assert any(problem in line for line in _problems(text)), _problems(text)
