"""From a scenario as it is written down to what the broker's simulation takes."""

from iowitness.model.broker_load import (
    Arrivals,
    BrokerLoad,
    BrokerThreads,
    Compression,
    ConsumerLoad,
    ProducerLoad,
    RecordSizes,
    Storage,
)
from iowitness.model.codec_costs import (
    compress_bytes_per_s,
    compressed_ratio,
    decompress_bytes_per_s,
)
from iowitness.model.scenario_yaml import (
    ConsumersPart,
    PolicyPart,
    ProducersPart,
    ScenarioPart,
    WorkloadPart,
)
from iowitness.model.write_order import WriteLoad


def broker_load(scenario: ScenarioPart) -> BrokerLoad:
    """The load of a scenario, in bytes and nanoseconds."""
    policy, workload = scenario.policy, scenario.workload
    read_path = policy.read_path or ("copy" if policy.encryption == "tls" else "sendfile")
    return BrokerLoad(
        producers=_producers(workload.producers),
        duration_ns=_from_s(workload.duration_s),
        consumers=tuple(
            group for name, part in workload.consumers.items() for group in _groups(name, part)
        ),
        storage=_storage(policy, workload),
        threads=BrokerThreads(
            network_count=policy.network_thread_count, request_count=policy.request_thread_count
        ),
        transfer=read_path,
        security="tls" if policy.encryption == "tls" else "plaintext",
        client_cores=workload.client_cores,
        warm_up_ns=_from_s(workload.warm_up_s),
    )


def _storage(policy: PolicyPart, workload: WorkloadPart) -> Storage:
    return Storage(
        partition_count=workload.partition_count,
        segment_byte_count=policy.segment_byte_count,
        index_interval_byte_count=policy.index_interval_byte_count,
        retention_byte_count=policy.retention_byte_count,
        retention_ns=None if policy.retention_s is None else _from_s(policy.retention_s),
        flush_record_count=1 if policy.flush == "every-request" else None,
        stored_byte_count=workload.stored_byte_count,
    )


def _producers(part: ProducersPart) -> ProducerLoad:
    return ProducerLoad(
        arrivals=Arrivals(
            records_per_s=part.records_per_s,
            kind=part.arrival,
            burst_ns=_from_ms(part.burst_ms),
            period_ns=_from_ms(part.period_ms),
        ),
        count=part.count,
        sizes=RecordSizes(mean_byte_count=part.record_byte_count, kind=part.record_sizes),
        batch_size_byte_count=part.batch_size_byte_count,
        linger_ns=_from_ms(part.linger_ms),
        request_byte_count=part.request_byte_count,
        max_in_flight=part.max_in_flight,
        acks=part.acks,
        threads="one" if part.thread_count == 1 else "two",
        spread=part.spread,
        compression=_compression(part),
    )


def _compression(part: ProducersPart) -> Compression | None:
    if part.codec == "none":
        return None
    by_batch = part.compress_by == "batch"
    piece = part.batch_size_byte_count if by_batch else part.record_byte_count
    return Compression(
        ratio=compressed_ratio(
            part.codec, part.compress_by, part.record_byte_count, part.batch_size_byte_count
        ),
        compress_bytes_per_s=compress_bytes_per_s(part.codec, piece),
        decompress_bytes_per_s=decompress_bytes_per_s(part.codec, piece),
    )


def _groups(name: str, part: ConsumersPart) -> list[ConsumerLoad]:
    return [
        ConsumerLoad(
            name=name if part.group_count == 1 else f"{name}-{number + 1}",
            count=part.member_count,
            start_lag_byte_count=part.start_lag_byte_count + number * part.lag_step_byte_count,
            rate_bytes_per_s=part.rate_bytes_per_s,
            fetch_min_byte_count=part.fetch_min_byte_count,
            fetch_max_wait_ns=_from_ms(part.fetch_max_wait_ms),
            partition_fetch_byte_count=part.partition_fetch_byte_count,
            fetch_byte_count=part.fetch_byte_count,
        )
        for number in range(part.group_count)
    ]


def _from_s(seconds: float) -> int:
    return round(seconds * 1e9)


def _from_ms(milliseconds: float) -> int:
    return round(milliseconds * 1e6)


def write_load(scenario: ScenarioPart) -> WriteLoad:
    """The load of a scenario that only writes."""
    assert scenario.writes is not None
    return WriteLoad(**scenario.writes.model_dump())
