"""Metrics: counted, told in Prometheus's format, and scraped beside the broker's own clients."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.exposition import Family, HistogramFamily, Sample, exposed
from iowitness.impl.log_config import LogConfig
from iowitness.impl.metrics import BUCKET_ENDS_S, Histogram, Metrics
from iowitness.impl.metrics_families import Connections, ProcessUse, families
from iowitness.impl.metrics_http import MOST_REQUEST_BYTE_COUNT, http_answer
from iowitness.impl.producer import Producer
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from tests.doubles.prometheus_page import Family as ReadFamily
from tests.doubles.prometheus_page import parsed_page
from tests.doubles.raw_client import (
    FETCH,
    PRODUCE,
    RawClient,
    fetch_body,
    produce_body,
    request,
)
from tests.doubles.running_broker import address, running_broker


def test_the_server_s_page_names_every_family() -> None:
    page = (Path(__file__).parents[2] / "docs/server.md").read_text()
    nothing = families(Metrics(), Connections(0, 0, 0, 0), ProcessUse(0.0, 0, 0), ())
    prefix = "iowitness_connections"
    told = [family.name.replace(f"{prefix}_", "_") for family in nothing]
    assert [name for name in told if f"`{name}" not in page] == []


@given(text=st.text())
def test_any_label_and_help_comes_through(text: str) -> None:
    page = exposed([Family("name", "gauge", f"x{text}", (Sample(1.5, (("label", text),)),))])
    lines = page.split("\n")
    assert len(lines) == 4
    escaped = lines[2][len('name{label="') : -len('"} 1.5')]
    plain = escaped.replace("\\\\", "\0\0").replace('\\"', '"').replace("\\n", "\n")
    assert plain.replace("\0\0", "\\") == text or "\0" in text


@given(taken=st.lists(st.integers(0, 10**11)))
def test_a_histogram_counts_each_duration_once_and_within_its_bucket(taken: list[int]) -> None:
    histogram = Histogram()
    for one in taken:
        histogram.observe(one)
    families = parsed_page(exposed([HistogramFamily("d_seconds", "D.", (((), histogram),))]))
    samples = families["d_seconds"].samples
    for end in BUCKET_ENDS_S:
        at_most = sum(one <= round(end * 1e9) for one in taken)
        label = frozenset({("le", str(int(end)) if end == int(end) else repr(end))})
        assert samples["d_seconds_bucket", label] == at_most
    assert samples["d_seconds_count", frozenset()] == len(taken)


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 Method Not Allowed\r\n"),
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n"),
        (b"x" * MOST_REQUEST_BYTE_COUNT, b"HTTP/1.1 431 "),
    ],
)
def test_a_request_gets_one_answer_with_its_length(came: bytes, expected: bytes) -> None:
    answer = http_answer(came, lambda: "page\n")
    assert answer is not None
    assert answer.startswith(expected)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Connection: close" in head


def test_a_request_that_has_not_ended_waits_and_head_gets_no_body() -> None:
    assert http_answer(b"GET /metrics HTTP/1.1\r\n", lambda: "page\n") is None
    answer = http_answer(b"HEAD /metrics HTTP/1.1\r\n\r\n", lambda: "page\n")
    assert answer is not None
    assert answer.endswith(b"Content-Length: 5\r\nConnection: close\r\n\r\n")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    config = ServerConfig(metrics_port=0, log=LogConfig(flush_record_count=1))
    with running_broker(tmp_path, config) as running:
        yield running


def _scraped(server: Server) -> Mapping[str, ReadFamily]:
    url = f"http://127.0.0.1:{server.metrics_port}/metrics"
    with urllib.request.urlopen(url, timeout=20) as response:
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return parsed_page(response.read().decode())


def _value(page: Mapping[str, ReadFamily], name: str, **labels: str) -> float:
    family = page[name.removesuffix("_count") if name.endswith("seconds_count") else name]
    return family.samples[name, frozenset(labels.items())]


def test_what_clients_did_is_counted(server: Server) -> None:
    with Producer(address(server)) as producer:
        sent = [producer.send("t", bytes(1_000)) for _ in range(50)]
        producer.flush()
        assert [future.result(0).offset for future in sent] == list(range(50))
    with RawClient(server.port) as client:
        client.send(request(FETCH, 4, fetch_body("t", 0, 1_000_000)))
        client.answer()
        client.send(request(PRODUCE, 3, produce_body("absent", 0, bytes(61))))
        client.answer()
        page = _scraped(server)
    appended = _value(page, "iowitness_log_appended_bytes_total")
    assert _value(page, "iowitness_log_appended_records_total") == 50
    assert _value(page, "iowitness_log_bytes", topic="t", partition="0") == appended
    assert _value(page, "iowitness_log_end_offset", topic="t", partition="0") == 50
    assert _value(page, "iowitness_sent_bytes_total", path="sendfile") == appended
    assert _value(page, "iowitness_sent_bytes_total", path="copy") == 0
    assert _value(page, "iowitness_sent_bytes_total", path="memory") > 0
    assert _value(page, "iowitness_received_bytes_total") > appended
    batches = _value(page, "iowitness_log_appends_total")
    assert 1 <= batches <= 50
    assert _value(page, "iowitness_request_seconds_count", api="Produce") == batches + 1
    assert _value(page, "iowitness_request_seconds_count", api="Fetch") >= 1
    assert _value(page, "iowitness_log_flush_seconds_count") >= batches
    errors = page["iowitness_produce_errors_total"].samples.values()
    assert list(errors) == [1]
    assert _value(page, "iowitness_connections") == 1
    assert _value(page, "process_open_fds") > 5


def test_copied_bytes_are_told_apart(tmp_path: Path) -> None:
    config = ServerConfig(metrics_port=0, read_path="copy")
    with running_broker(tmp_path, config) as server:
        with Producer(address(server)) as producer:
            producer.send("t", bytes(500_000))
        with RawClient(server.port) as client:
            client.send(request(FETCH, 4, fetch_body("t", 0, 1_000_000)))
            assert len(client.answer()) > 500_000
            page = _scraped(server)
        appended = _value(page, "iowitness_log_appended_bytes_total")
        assert _value(page, "iowitness_sent_bytes_total", path="copy") == appended
        assert _value(page, "iowitness_sent_bytes_total", path="sendfile") == 0


def test_how_connections_ended_is_counted_by_reason(server: Server) -> None:
    with RawClient(server.port) as hostile:
        hostile.send(b"\x7f\xff\xff\xff")
        hostile.wait_closed()
    with RawClient(server.port) as client:
        assert client.is_served()
    with RawClient(server.port) as witness:
        assert witness.is_served()
        page = _scraped(server)
    assert _value(page, "iowitness_connections_closed_total", reason="violation") == 1
    assert _value(page, "iowitness_connections_closed_total", reason="client") == 1
    assert _value(page, "iowitness_connections_accepted_total") == 3


def test_another_path_is_not_found_and_the_broker_goes_on(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/", timeout=20)
    with RawClient(server.port) as client:
        assert client.is_served()
