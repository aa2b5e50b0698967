"""What a simulated broker did: throughput, latencies, utilisation, and how they went over time."""

from dataclasses import dataclass

from iowitness.model.latency_histogram import LatencyHistogram

_SATURATED_SHARE = 0.97
_BUSY_UTILISATION = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One moment. `read_byte_counts` are the groups' positions, in the load's order.

    Positions are sums over partitions since their beginning, so lag is the end less the position.
    """

    time_ns: int
    log_end_byte_count: int
    read_byte_counts: tuple[int, ...]
    cached_byte_count: int
    dirty_byte_count: int
    unsent_record_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """One consumer group: what it was sent, and how far behind the end it stood at the end.

    `end_to_end_latency` is from the application's send to the arrival at the consumer, by record,
    of records that were read while new.
    """

    name: str
    fetch_count: int
    delivered_byte_count: int
    bytes_per_s: float
    final_lag_byte_count: int
    end_to_end_latency: LatencyHistogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """The busiest resource. `saturated`: the broker or a client could not keep up with the load."""

    resource: str
    utilisation: float
    saturated: bool

    def __str__(self) -> str:
        share = f"{self.resource} at {100 * self.utilisation:.0f} %"
        if self.saturated:
            return f"saturated: {share}"
        if self.utilisation < _BUSY_UTILISATION:
            return f"none, the load is what limits; busiest: {share}"
        return share


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFigures:
    """The outcome of one seed. Rates and latencies are of the time after warm-up.

    `utilisation` is by resource, 0 to 1. Copies are by path, `cpu_ns` by role. Bytes: `sent` left
    the producers, `stored` reached the logs, `deleted` went by retention, `log` is what remains.
    """

    duration_ns: int
    seed: int
    offered_record_count: int
    acknowledged_record_count: int
    records_per_s: float
    plain_bytes_per_s: float
    stored_bytes_per_s: float
    produce_latency: LatencyHistogram
    fetch_latency: LatencyHistogram
    groups: tuple[GroupFigures, ...]
    utilisation: dict[str, float]
    produce_request_count: int
    batch_count: int
    fetch_count: int
    sync_count: int
    roll_count: int
    seek_count: int
    sent_byte_count: int
    stored_byte_count: int
    deleted_byte_count: int
    log_byte_count: int
    delivered_byte_count: int
    page_cache_hit_byte_count: int
    page_cache_miss_byte_count: int
    resident_byte_count: int
    dirty_byte_count: int
    device_read_byte_count: int
    device_write_byte_count: int
    cpu_copied_byte_counts: dict[str, int]
    dma_byte_counts: dict[str, int]
    cpu_ns: dict[str, int]
    mode_switch_count: int
    context_switch_count: int
    samples: tuple[Sample, ...]

    @property
    def hit_rate(self) -> float:
        """The share of read bytes that were in the page cache; 1 when nothing was read."""
        read = self.page_cache_hit_byte_count + self.page_cache_miss_byte_count
        return self.page_cache_hit_byte_count / read if read else 1.0

    @property
    def records_per_request(self) -> float:
        """Mean records of a produce request."""
        requests = self.produce_request_count
        return self.acknowledged_record_count / requests if requests else 0.0

    @property
    def cpu_s_per_gib(self) -> float:
        """CPU seconds of the broker for each GiB that consumers were sent."""
        sent_gib = self.delivered_byte_count / 2**30
        return self.cpu_ns.get("broker", 0) / 1e9 / sent_gib if sent_gib else 0.0

    @property
    def bottleneck(self) -> Bottleneck:
        """What was busiest, and whether the load was too much."""
        resource = max(self.utilisation, key=lambda name: self.utilisation[name])
        kept_up = self.acknowledged_record_count >= _SATURATED_SHARE * self.offered_record_count
        return Bottleneck(
            resource=resource, utilisation=self.utilisation[resource], saturated=not kept_up
        )
