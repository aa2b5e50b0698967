"""The server behind TLS: real clients, large answers, and whoever does not speak it."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import Producer as ConfluentProducer
from confluent_kafka import TopicPartition

from iowitness.impl.connection_clock import ConnectionTimes
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.tls_context import TlsFiles, TlsFilesUnusable, server_context
from iowitness.impl.users_file import read_users, with_user
from tests.doubles.broker_process import BrokerProcess, broker_process, until
from tests.doubles.certificates import Certificates, made_certificates
from tests.doubles.raw_client import API_VERSIONS, RawClient

_TIMES = ConnectionTimes(first_byte_ms=1_000)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return made_certificates(tmp_path_factory.mktemp("certificates"))


def _tls(certificates: Certificates, client_ca: str | None = None) -> TlsFiles:
    return TlsFiles(certificate=certificates.certificate, key=certificates.key, client_ca=client_ca)


@pytest.fixture(scope="module")
def broker(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[BrokerProcess]:
    config = ServerConfig(tls=_tls(certificates), times=_TIMES)
    with broker_process(tmp_path_factory.mktemp("broker"), config) as process:
        yield process


@pytest.fixture(scope="module")
def mutual(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[BrokerProcess]:
    config = ServerConfig(tls=_tls(certificates, certificates.ca))
    with broker_process(tmp_path_factory.mktemp("mutual"), config) as process:
        yield process


def _context(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.ca)


@contextlib.contextmanager
def _tls_socket(broker: BrokerProcess, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", broker.port), 20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as encrypted,
    ):
        yield encrypted


@pytest.mark.client
def test_librdkafka_gets_back_through_tls_what_it_sent(
    broker: BrokerProcess, certificates: Certificates
) -> None:
    settings = {
        "bootstrap.servers": broker.address,
        "security.protocol": "SSL",
        "ssl.ca.location": certificates.ca,
    }
    values = [bytes([number % 251]) * 1_000 for number in range(20_000)]
    producer = ConfluentProducer({**settings, "queue.buffering.max.messages": 100_000})
    for value in values:
        producer.produce("t", value)
    assert producer.flush(30) == 0
    consumer = ConfluentConsumer({**settings, "group.id": "g", "session.timeout.ms": 500})
    consumer.assign([TopicPartition("t", 0, 0)])
    found: list[bytes | None] = []
    while len(found) < len(values):
        messages = consumer.consume(1_000, 20)
        assert messages
        found += [message.value() for message in messages]
    consumer.close()
    assert found == values


@pytest.mark.client
def test_users_log_in_through_tls(tmp_path: Path, certificates: Certificates) -> None:
    users = read_users(with_user("", "alice", "secret", bytes), "users", b"decoy")
    config = ServerConfig(tls=_tls(certificates), users=users)
    with broker_process(tmp_path, config) as broker:
        settings = {
            "bootstrap.servers": broker.address,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": certificates.ca,
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "alice",
            "sasl.password": "secret",
        }
        producer = ConfluentProducer(settings)
        producer.produce("t", b"value")
        assert producer.flush(20) == 0
        wrong = ConfluentProducer({**settings, "sasl.password": "Secret", "log_level": 0})
        wrong.produce("t", b"value")
        assert wrong.flush(1) == 1
        wrong.purge()
    assert "user='alice': unknown user or wrong password" in broker.log_path.read_text()


@pytest.mark.client
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # kafka-python's own, when imported
def test_kafka_python_gets_back_through_tls_what_it_sent(
    broker: BrokerProcess, certificates: Certificates
) -> None:
    kafka = pytest.importorskip("kafka")
    settings = {
        "bootstrap_servers": broker.address,
        "security_protocol": "SSL",
        "ssl_cafile": certificates.ca,
    }
    producer = kafka.KafkaProducer(**settings)
    producer.send("python", b"value").get(20)
    producer.close()
    consumer = kafka.KafkaConsumer(
        "python", **settings, group_id=None, auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )  # fmt: skip
    assert next(iter(consumer)).value == b"value"
    consumer.close()


def test_many_requests_in_one_go_are_all_answered(
    broker: BrokerProcess, certificates: Certificates
) -> None:
    """More than a TLS record holds, and more than one turn answers: nothing waits in OpenSSL."""
    with _tls_socket(broker, _context(certificates)) as client:
        client.sendall(API_VERSIONS * 5_000)
        size = 4 + int.from_bytes(_read(client, 4), "big")
        left = 5_000 * size - 4
        while left:
            left -= len(client.recv(min(left, 65_536)))


def _read(client: ssl.SSLSocket, byte_count: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < byte_count:
        pieces += client.recv(byte_count - len(pieces))
    return bytes(pieces)


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (API_VERSIONS, "TLS handshake failed: "),
        (b"GET / HTTP/1.1\r\n\r\n", "TLS handshake failed: http request"),
        (b"\x16\x03\x01", "no byte within 1000 ms of connecting, expected a TLS handshake"),
        (b"", "no byte within 1000 ms of connecting, expected a TLS handshake"),
    ],
)
def test_who_does_not_speak_tls_is_closed_with_one_log_line(
    broker: BrokerProcess, piece: bytes, expected: str
) -> None:
    with RawClient(broker.port) as client:
        client.send(piece)
        until(lambda: any(client.name in line for line in broker.closing_lines()))
        (line,) = [line for line in broker.closing_lines() if client.name in line]
    assert expected in line


def test_a_client_with_a_certificate_of_the_ca_comes_in(
    mutual: BrokerProcess, certificates: Certificates
) -> None:
    context = _context(certificates)
    context.load_cert_chain(certificates.client_certificate, certificates.client_key)
    with _tls_socket(mutual, context) as client:
        client.sendall(API_VERSIONS)
        assert len(_read(client, 4)) == 4


def test_a_client_without_a_certificate_stays_out_where_one_is_asked_for(
    mutual: BrokerProcess, certificates: Certificates
) -> None:
    with (
        contextlib.suppress(ssl.SSLError, ConnectionError),
        _tls_socket(mutual, _context(certificates)) as client,
    ):
        client.sendall(API_VERSIONS)
        assert client.recv(4) == b""
    until(lambda: "peer did not return a certificate" in mutual.log_path.read_text())


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"certificate": "absent.pem"}, "absent.pem: No such file or directory"),
        ({"key": "README.md"}, "README.md: .*, expected a PEM certificate and the PEM key"),
        ({"client_ca": "README.md"}, "README.md: .*, expected PEM certificates"),
    ],
)
def test_a_file_that_is_none_is_told_by_name(
    certificates: Certificates, wrong: dict[str, str], expected: str
) -> None:
    named = {"certificate": certificates.certificate, "key": certificates.key, **wrong}
    root = Path(__file__).parents[2]
    paths = {
        name: str(root / path) if path == "README.md" else path for name, path in named.items()
    }
    with pytest.raises(TlsFilesUnusable, match=expected):
        server_context(TlsFiles(**paths))


def test_a_certificate_with_another_s_key_is_refused(certificates: Certificates) -> None:
    with pytest.raises(TlsFilesUnusable, match="key values mismatch"):
        server_context(TlsFiles(certificate=certificates.certificate, key=certificates.client_key))
