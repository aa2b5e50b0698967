"""Which metrics there are: their names, meanings and labels. Pure."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from iowitness.impl.exposition import Family, HistogramFamily, Sample
from iowitness.impl.metrics import Metrics, api_name


class LogState(Struct, frozen=True):
    """One log as it is at the moment; sizes in bytes."""

    topic: str
    partition: int
    byte_count: int
    start_offset: int
    end_offset: int


class Connections(Struct, frozen=True):
    """The connections at the moment."""

    count: int
    refused_count: int
    held_byte_count: int
    waiting_fetch_count: int


class ProcessUse(Struct, frozen=True):
    """What the process uses at the moment, and the CPU time it has used."""

    cpu_s: float
    resident_byte_count: int
    descriptor_count: int


def families(
    metrics: Metrics, connections: Connections, process: ProcessUse, logs: Sequence[LogState]
) -> Iterator[Family | HistogramFamily]:
    """Everything there is to tell."""
    yield from _of_connections(metrics, connections)
    yield HistogramFamily(
        "iowitness_request_seconds",
        "From taking a request up to giving its answer to the socket, waiting fetches included.",
        tuple(
            ((("api", api_name(key)),), histogram)
            for key, histogram in sorted(metrics.requests.items())
        ),
    )
    yield from _of_traffic(metrics)
    yield from _of_logs(metrics, logs)
    yield _gauge("process_resident_memory_bytes", "Resident memory.", process.resident_byte_count)
    yield _gauge("process_open_fds", "Open descriptors.", process.descriptor_count)
    yield _counter("process_cpu_seconds_total", "User and system CPU time.", process.cpu_s)


def _of_connections(metrics: Metrics, now: Connections) -> Iterator[Family]:
    yield _gauge("iowitness_connections", "Clients connected.", now.count)
    yield _counter(
        "iowitness_connections_accepted_total", "Clients let in.", metrics.accepted_count
    )
    yield _counter(
        "iowitness_connections_refused_total",
        "Clients turned away: too many, or out of descriptors.",
        now.refused_count,
    )
    yield Family(
        "iowitness_connections_closed_total",
        "counter",
        "Connections that ended, by who or what ended them.",
        tuple(Sample(n, (("reason", why.value),)) for why, n in metrics.closed.items()),
    )
    yield _gauge(
        "iowitness_held_bytes",
        "Memory of unfinished frames and unsent answers.",
        now.held_byte_count,
    )
    yield _gauge(
        "iowitness_waiting_fetches", "Fetches that wait for more.", now.waiting_fetch_count
    )


def _of_traffic(metrics: Metrics) -> Iterator[Family]:
    traffic = metrics.traffic
    yield _counter("iowitness_received_bytes_total", "Bytes of requests.", traffic.received)
    yield Family(
        "iowitness_sent_bytes_total",
        "counter",
        "Bytes of answers: heads from memory, payload by sendfile or copied through memory.",
        (
            Sample(traffic.from_memory, (("path", "memory"),)),
            Sample(traffic.sendfile, (("path", "sendfile"),)),
            Sample(traffic.copied, (("path", "copy"),)),
        ),
    )


def _of_logs(metrics: Metrics, logs: Sequence[LogState]) -> Iterator[Family | HistogramFamily]:
    yield _counter("iowitness_log_appends_total", "Appends; each is one batch.", metrics.appends)
    yield _counter(
        "iowitness_log_appended_records_total", "Records.", metrics.appended_record_count
    )
    yield _counter(
        "iowitness_log_appended_bytes_total", "Bytes of batches.", metrics.appended_byte_count
    )
    yield Family(
        "iowitness_produce_errors_total",
        "counter",
        "Batches refused, by Kafka's error code.",
        tuple(Sample(n, (("code", code),)) for code, n in sorted(metrics.produce_errors.items())),
    )
    yield HistogramFamily(
        "iowitness_log_flush_seconds", "Syncs of segments.", (((), metrics.flushes),)
    )
    for name, explained, field in (
        ("iowitness_log_bytes", "Bytes of a log's segments.", "byte_count"),
        ("iowitness_log_start_offset", "The first offset.", "start_offset"),
        ("iowitness_log_end_offset", "The next offset.", "end_offset"),
    ):
        samples = tuple(
            Sample(getattr(log, field), (("topic", log.topic), ("partition", str(log.partition))))
            for log in logs
        )
        yield Family(name, "gauge", explained, samples)


def _counter(name: str, explained: str, value: float) -> Family:
    return Family(name, "counter", explained, (Sample(value),))


def _gauge(name: str, explained: str, value: float) -> Family:
    return Family(name, "gauge", explained, (Sample(value),))
