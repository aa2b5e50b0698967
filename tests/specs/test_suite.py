from pathlib import Path

import pytest

from iowitness.specs import workload
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.suite import (
    SuiteError,
    SuiteNotFound,
    kinds_needed_by,
    load_suite,
    ready_suite_names,
)
from iowitness.specs.suite_yaml import ConsumeKeys, ProduceKeys, RestartKeys, read_suite
from iowitness.traces.events import EVENT_KINDS

SMALL = """
contracts:
  - claim: sequential-writes
    files: "**/*.log"
"""


def errors(text: str) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        read_suite(text, "some.yaml")
    return caught.value.lines()


def test_a_contract_in_yaml_is_the_same_value_as_in_python() -> None:
    suite = read_suite(SMALL, "some.yaml")
    assert suite.contracts == (SequentialWrites(files="**/*.log"),)
    assert suite.name == "some"
    assert not suite.has_workload


def test_the_default_suite_has_the_workload_of_the_main_job() -> None:
    suite = load_suite("kafka")
    first = suite.workload.steps[0]
    assert isinstance(first, workload.Produce)
    assert (first.record_count, first.partition_count) == (20_000, 2)
    assert first.value_byte_count == 100
    assert suite.workload.partitions == {"plain": 2, "packed": 1}
    assert len({one.name for one in suite.contracts}) == len(suite.contracts)
    assert [one.name for one in suite.contracts_for_traces] == [
        "sequential-writes",
        "append-only",
        "zero-copy-reads",
        "batched-fetches",
    ]


@pytest.mark.parametrize("name", ready_suite_names())
def test_every_ready_suite_can_be_read_and_says_what_it_is_about(name: str) -> None:
    needed = {"static-files": {"root": "/srv/www"}, "atomic-replace": {"files": "**/conf"}}
    suite = load_suite(name, needed.get(name, {}))
    assert suite.name == name
    assert suite.about
    assert suite.contracts_for_traces


@pytest.mark.parametrize(
    ("keys", "described"),
    [
        (ProduceKeys, workload.Produce),
        (ConsumeKeys, workload.Consume),
        (RestartKeys, workload.Restart),
    ],
)
def test_the_steps_in_yaml_have_the_fields_and_defaults_of_the_workload(
    keys: type[ProduceKeys | ConsumeKeys | RestartKeys],
    described: type[workload.Produce | workload.Consume | workload.Restart],
) -> None:
    needed = {"topic": "t", "partition_count": 1, "record_count": 1}
    given = {name: value for name, value in needed.items() if name in keys.model_fields}
    step = str(keys.model_fields["step"].annotation).split("'")[1]
    assert keys(step=step, **given).model_dump(exclude={"step"}) == {
        name: getattr(described(**given), name) for name in described.__struct_fields__
    }


def test_all_errors_of_a_file_come_at_once_with_their_places() -> None:
    text = """
contracts:
  - claim: sequential-writes
    files: "logs//x"
    first: 3
  - claim: zero-copy-reads
    files: "**/*.log"
    head_bytes: -1
  - claim: no-such-claim
  - claim: thread-roles
    network_threads: a-name-that-no-thread-can-have
  - claim: batched-sends
    minimum_bytes_per_send: 1
    remote_ports: 99999
content_byte_count: many
"""
    found = errors(text)
    starts = [line.partition(": ")[0] for line in found]
    assert starts == [
        "some.yaml:4:12",
        "some.yaml:5:5",
        "some.yaml:8:17",
        "some.yaml:9:5",
        "some.yaml:11:22",
        "some.yaml:14:19",
        "some.yaml:15:21",
    ]
    assert "'logs//x' fits no file" in found[0]
    assert "unknown key" in found[1]
    assert "head_bytes=-1, expected >= 0" in found[2]
    assert "expected one of " in found[3]
    assert "'append-only'" in found[3]
    assert "the kernel keeps 15 bytes" in found[4]
    assert "expected 1 to 65535" in found[5]


def test_names_used_twice_are_an_error() -> None:
    text = SMALL + '  - claim: sequential-writes\n    files: "**/*.db"\n'
    assert errors(text) == [
        "some.yaml:5:5: contracts[1].name='sequential-writes' is taken, expected another name"
    ]


WORKLOAD = """
workload:
  steps:
    - {step: produce, topic: a, partition_count: 2, record_count: 5}
    - {step: consume, topic: b, partition_count: 2}
    - {step: consume, topic: a, partition_count: 1}
"""


def test_selections_that_fit_nothing_of_the_workload_are_errors() -> None:
    text = SMALL + "    roles: [broker, brokre]\n    phases: [produce-1, produce-2]\n" + WORKLOAD
    assert errors(text) == [
        (
            "some.yaml:5:21: contracts[0]: roles='brokre' fits none of this workload's: "
            "driver, broker, producer, consumer"
        ),
        (
            "some.yaml:6:25: contracts[0]: phases='produce-2' fits none of this workload's: "
            "produce-1, consume-2, consume-3"
        ),
        "some.yaml:11:30: topic='b' is consumed, expected a step that produces it before",
        "some.yaml:12:50: partition_count=1, expected 2 as before",
    ]


def test_a_call_budget_learns_the_number_of_records() -> None:
    text = (
        "contracts:\n  - {claim: call-budget, maximum_per_record: 1}\n"
        "workload:\n  steps:\n"
        "    - {step: produce, topic: a, partition_count: 1, record_count: 5}\n"
    )
    assert read_suite(text, "some.yaml").contracts[0].parameters()["record_count"] == "5"


def test_a_figure_that_nobody_compares_is_an_error() -> None:
    assert "'speed' is no figure" in errors(SMALL + "agreement: {figures: {speed: {}}}\n")[0]


def test_a_suite_without_contracts_is_an_error() -> None:
    assert errors("name: x\n") == ["some.yaml:1:1: contracts is missing, expected it here"]
    assert "contracts" in errors("contracts: []\n")[0]


def test_a_name_that_is_neither_suite_nor_file_is_told_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(SuiteNotFound, match=r"expected one of .*kafka"):
        load_suite(tmp_path / "none.yaml")


def test_a_suite_can_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SMALL)
    assert load_suite(path).name == "mine"


WITH_VARIABLES = """
variables:
  log: "**/*.log"
  least: 100
  needed: null
contracts:
  - {claim: batched-sends, files: ["${log}", "${root}/x"], minimum_bytes_per_send: "${least}"}
"""


def test_variables_have_defaults_and_are_set_by_name() -> None:
    suite = read_suite(WITH_VARIABLES, "x.yaml", {"needed": "1", "root": "/data", "least": "7"})
    assert suite.contracts[0].parameters() == {
        "minimum_bytes_per_send": "7.0",
        "files": "**/*.log, /data/x",
    }
    assert suite.root == "/data"


def test_variables_that_are_missing_or_unknown_are_errors_with_their_places() -> None:
    with pytest.raises(SuiteError) as caught:
        read_suite(WITH_VARIABLES, "x.yaml", {"leest": "7"})
    assert caught.value.lines() == [
        "x.yaml:1:1: leest='7' is set, expected one of least, log, needed, root",
        "x.yaml:5:11: needed is not set, expected --set needed=VALUE",
    ]
    assert errors('contracts: [{claim: append-only, files: "${lgo}"}]\n') == [
        "some.yaml:1:41: ${lgo} is no variable, expected one of root"
    ]


@pytest.mark.parametrize("name", ready_suite_names())
def test_what_to_trace_for_a_suite_is_known_before_its_variables_are_set(name: str) -> None:
    kinds = kinds_needed_by(name)
    assert "Written" in kinds
    assert kinds <= EVENT_KINDS.keys()
