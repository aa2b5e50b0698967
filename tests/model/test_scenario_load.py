"""From a scenario in YAML to the load that is simulated."""

from pathlib import Path
from typing import Any

import pytest

from iowitness.model.broker_load import BrokerLoad
from iowitness.model.scenario_load import broker_load
from iowitness.model.scenario_yaml import ScenarioPart
from iowitness.preset_files import preset_reader


def _load(**sections: Any) -> BrokerLoad:
    hardware = preset_reader(Path())("ssd-sata")
    return broker_load(ScenarioPart.model_validate({"hardware": hardware, **sections}))


def test_times_and_sizes_arrive_in_nanoseconds_and_bytes() -> None:
    load = _load(
        workload={
            "duration_s": "2 s",
            "producers": {"linger_ms": "7 ms", "batch_size_byte_count": "32 KiB"},
        }
    )
    assert load.duration_ns == 2_000_000_000
    assert load.producers.linger_ns == 7_000_000
    assert load.producers.batch_size_byte_count == 32_768


def test_groups_of_a_kind_lie_behind_each_other() -> None:
    load = _load(
        workload={
            "stored_byte_count": 100,
            "consumers": {
                "late": {"group_count": 3, "start_lag_byte_count": 10, "lag_step_byte_count": 20},
                "tail": {},
            },
        }
    )
    assert [(one.name, one.start_lag_byte_count) for one in load.consumers] == [
        ("late-1", 10),
        ("late-2", 30),
        ("late-3", 50),
        ("tail", 0),
    ]


@pytest.mark.parametrize(
    ("policy", "transfer"),
    [
        ({}, "sendfile"),
        ({"read_path": "copy"}, "copy"),
        ({"encryption": "tls"}, "copy"),
    ],
)
def test_tls_leaves_no_sendfile(policy: dict[str, str], transfer: str) -> None:
    assert _load(policy=policy).transfer == transfer


def test_messages_compressed_alone_shrink_less_and_cost_more() -> None:
    ratios = []
    for compress_by in ("batch", "message"):
        producers = {"codec": "zstd", "compress_by": compress_by, "record_byte_count": 200}
        compression = _load(workload={"producers": producers}).producers.compression
        assert compression is not None
        ratios.append((compression.ratio, 1 / compression.compress_bytes_per_s))
    assert ratios[0] < ratios[1]
