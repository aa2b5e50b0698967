"""What a broker has to bear, at the scale of hours and terabytes: values only.

Sizes are bytes, times integer nanoseconds, rates those of all producers together. The defaults are
Kafka 4's. `simulate_broker` takes a `BrokerLoad`.
Source: Kafka 4 documentation, broker, topic, producer and consumer configs.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ArrivalKind: TypeAlias = Literal["poisson", "constant", "bursty"]
SizeKind: TypeAlias = Literal["constant", "exponential"]
Spread: TypeAlias = Literal["sticky", "keyed"]
ProducerThreads: TypeAlias = Literal["one", "two"]
Transfer: TypeAlias = Literal["sendfile", "splice", "mmap", "copy"]
Security: TypeAlias = Literal["plaintext", "tls"]
ClientCores: TypeAlias = Literal["own", "shared"]

_MILLISECOND_NS = 1_000_000
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """When applications hand records to their producers.

    `records_per_s` is the mean rate of all producers. `bursty` sends a whole period's records, as a
    Poisson process, in the first `burst_ns` of each `period_ns`, all producers at once.
    """

    records_per_s: float
    kind: ArrivalKind = "poisson"
    burst_ns: int = 100 * _MILLISECOND_NS
    period_ns: int = _SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSizes:
    """Bytes of a record's key and value, before compression."""

    mean_byte_count: float = 1_000.0
    kind: SizeKind = "constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """What a codec makes of a batch: `ratio` is compressed over plain size.

    Rates are plain bytes per second of one core; the producer compresses, the broker decompresses
    to validate (Kafka's LogValidator), the consumer decompresses to read. For compression record by
    record, give the ratio that single records reach.
    """

    ratio: float
    compress_bytes_per_s: float
    decompress_bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerLoad:
    """`count` equal producers. With `one` thread the caller sends and waits for each answer itself.

    `sticky` fills one partition's batch before it goes on to the next, `keyed` spreads records
    evenly. A request takes at most one batch of each partition, as Kafka's sender does.
    `look_record_count` 0 is a sender that is woken by each full batch, as Kafka's is; above, it
    looks for full ones only whenever so many records have come, or a batch has lingered.
    """

    arrivals: Arrivals
    count: int = 1
    sizes: RecordSizes = RecordSizes()
    batch_size_byte_count: int = 16_384
    linger_ns: int = 5 * _MILLISECOND_NS
    request_byte_count: int = 1_048_576
    max_in_flight: int = 5
    acks: Literal[0, 1] = 1
    threads: ProducerThreads = "two"
    spread: Spread = "sticky"
    compression: Compression | None = None
    look_record_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerLoad:
    """A group: each of `count` members reads its share of the partitions.

    It starts `start_lag_byte_count` behind the end of the logs: 0 is a tailing group, more one that
    catches up. `rate_bytes_per_s` bounds what the whole group works off; below the producers' rate
    it lags more and more. None is as fast as it can.
    """

    name: str = "tail"
    count: int = 1
    start_lag_byte_count: int = 0
    rate_bytes_per_s: float | None = None
    fetch_min_byte_count: int = 1
    fetch_max_wait_ns: int = 500 * _MILLISECOND_NS
    partition_fetch_byte_count: int = 1_048_576
    fetch_byte_count: int = 52_428_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How partitions are kept.

    `retention_byte_count` is of each partition, None keeps all. `flush_record_count` 1 is an fsync
    for each request and partition; both None leave writing to the kernel. A rolled segment is
    synced in the background, as Kafka does. `stored_byte_count` is what all partitions hold at the
    start; its newest part fills the memory.
    """

    partition_count: int = 10
    segment_byte_count: int = 1_073_741_824
    index_interval_byte_count: int = 4_096
    retention_byte_count: int | None = None
    retention_ns: int | None = None
    flush_record_count: int | None = None
    flush_interval_ns: int | None = None
    stored_byte_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerThreads:
    """Kafka's `num.network.threads` and `num.io.threads`; no request threads means that the network
    threads do that work themselves, one after the other.
    """

    network_count: int = 3
    request_count: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerLoad:
    """The whole load. Figures cover `warm_up_ns..duration_ns`, counts of work the whole run.

    `send_buffer_byte_count` is what a socket takes before the peer has to. TLS takes `sendfile`
    away, whatever `transfer` says. `client_cores` shared: clients run on the broker's machine.
    """

    producers: ProducerLoad
    duration_ns: int
    consumers: tuple[ConsumerLoad, ...] = (ConsumerLoad(),)
    storage: Storage = Storage()
    threads: BrokerThreads = BrokerThreads()
    transfer: Transfer = "sendfile"
    security: Security = "plaintext"
    client_cores: ClientCores = "own"
    send_buffer_byte_count: int = 2_097_152
    warm_up_ns: int = 0
    sample_count: int = 240
