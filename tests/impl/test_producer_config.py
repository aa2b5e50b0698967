"""Which settings go together. Source: KafkaProducerTest, ProducerConfigTest."""

import pytest

from iowitness.impl.producer_config import ProducerConfig
from iowitness.impl.producer_errors import ConfigConflict


def test_the_defaults_are_kafkas() -> None:
    config = ProducerConfig()
    assert (config.batch_size, config.linger_ms, config.buffer_memory) == (16_384, 5, 33_554_432)
    assert (config.max_block_ms, config.max_request_size) == (60_000, 1_048_576)
    assert (config.max_in_flight, config.request_timeout_ms) == (5, 30_000)
    assert (config.effective_acks, config.effective_retries) == (-1, 2**31 - 1)
    assert (config.is_idempotent, config.effective_delivery_timeout_ms) == (True, 120_000)


@pytest.mark.parametrize("settings", [{"acks": 0}, {"acks": 1}, {"retries": 0}])
def test_idempotence_by_default_gives_way(settings: dict[str, int]) -> None:
    assert not ProducerConfig(**settings).is_idempotent  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings", [{"acks": 1}, {"acks": 0}, {"retries": 0}, {"max_in_flight": 6}]
)
def test_idempotence_by_name_refuses_what_excludes_it(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigConflict):
        ProducerConfig(idempotence=True, **settings)  # type: ignore[arg-type]


def test_more_than_five_in_flight_exclude_idempotence_even_by_default() -> None:
    with pytest.raises(ConfigConflict, match="max_in_flight=6, expected at most 5"):
        ProducerConfig(max_in_flight=6)
    assert not ProducerConfig(max_in_flight=6, idempotence=False).is_idempotent


def test_a_delivery_timeout_set_by_the_user_has_to_cover_linger_and_request() -> None:
    with pytest.raises(ConfigConflict, match="at least linger_ms"):
        ProducerConfig(linger_ms=100, request_timeout_ms=1_000, delivery_timeout_ms=1_099)
    ProducerConfig(linger_ms=100, request_timeout_ms=1_000, delivery_timeout_ms=1_100)


def test_a_delivery_timeout_by_default_is_raised() -> None:
    assert ProducerConfig(linger_ms=200_000).effective_delivery_timeout_ms == 230_000


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 0},
        {"linger_ms": -1},
        {"acks": 2},
        {"max_in_flight": 0},
        {"codec": "gzip", "level": 12},
        {"codec": "none", "level": 1},
    ],
)
def test_values_out_of_range_are_refused_by_name(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{list(settings)[-1]}="):
        ProducerConfig(**settings)  # type: ignore[arg-type]


def test_backoff_doubles_up_to_its_maximum_with_a_fifth_of_jitter() -> None:
    config = ProducerConfig(retry_backoff_ms=100, retry_backoff_max_ms=1_000)
    middle = [config.backoff_ns(attempt, 0.5) // 1_000_000 for attempt in (1, 2, 3, 4, 5, 50)]
    assert middle == [100, 200, 400, 800, 1_000, 1_000]
    assert config.backoff_ns(1, 0.0) == 80_000_000
    assert config.backoff_ns(1, 1.0) == 120_000_000
    assert ProducerConfig(retry_backoff_ms=0).backoff_ns(5, 0.5) == 0
