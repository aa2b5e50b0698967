"""A server that asks who is there: real clients, strangers, and the command that keeps the file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import Producer as ConfluentProducer
from confluent_kafka import TopicPartition

from iowitness.command_line import iowitness
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.stored_users import load_users
from iowitness.impl.users_file import UsersFileError
from iowitness.impl.wire_errors import ListenFailed
from tests.doubles.broker_process import BrokerProcess, broker_process, until
from tests.doubles.raw_client import METADATA, PRODUCE, RawClient, produce_body, request

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def _users_file(folder: Path) -> Path:
    path = folder / "users"
    added = CliRunner().invoke(iowitness, ["users", "add", str(path), "alice"], input="secret\n")
    assert added.exit_code == 0, added.output
    return path


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    folder = tmp_path_factory.mktemp("broker")
    config = ServerConfig(users=load_users(_users_file(folder)))
    with broker_process(folder, config) as process:
        yield process


@pytest.mark.client
@pytest.mark.parametrize("mechanism", _MECHANISMS)
def test_librdkafka_produces_and_consumes_as_a_user(broker: BrokerProcess, mechanism: str) -> None:
    settings = {
        "bootstrap.servers": broker.address,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": "alice",
        "sasl.password": "secret",
    }
    topic = f"librdkafka-{mechanism}"
    producer = ConfluentProducer(settings)
    producer.produce(topic, b"value")
    assert producer.flush(20) == 0
    consumer = ConfluentConsumer({**settings, "group.id": "g", "session.timeout.ms": 500})
    consumer.assign([TopicPartition(topic, 0, 0)])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    assert message.value() == b"value"


@pytest.mark.client
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # kafka-python's own, when imported
@pytest.mark.parametrize("mechanism", _MECHANISMS)
def test_kafka_python_produces_and_consumes_as_a_user(
    broker: BrokerProcess, mechanism: str
) -> None:
    kafka = pytest.importorskip("kafka")
    settings = {
        "bootstrap_servers": broker.address,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": "alice",
        "sasl_plain_password": "secret",
    }
    topic = f"python-{mechanism}"
    producer = kafka.KafkaProducer(**settings)
    producer.send(topic, b"value").get(20)
    producer.close()
    consumer = kafka.KafkaConsumer(
        topic, **settings, group_id=None, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    message = next(iter(consumer))
    consumer.close()
    assert message.value == b"value"


def test_a_wrong_password_is_told_and_closed_with_one_log_line(broker: BrokerProcess) -> None:
    with RawClient(broker.port) as client:
        client.send(request(17, 1, b"\0\5PLAIN"))
        assert client.answer()[4:6] == b"\0\0"
        message = b"\0alice\0wrong"
        client.send(request(36, 1, len(message).to_bytes(4, "big") + message))
        assert client.answer()[4:6] == (58).to_bytes(2, "big")
        assert client.wait_closed() == b""
        (line,) = [line for line in broker.closing_lines() if client.name in line]
    assert "PLAIN user='alice': unknown user or wrong password" in line
    assert "wrong\0" not in line


def test_an_unknown_mechanism_is_told_which_there_are(broker: BrokerProcess) -> None:
    with RawClient(broker.port) as client:
        client.send(request(17, 1, b"\0\6GSSAPI"))
        answer = client.answer()
        assert answer[4:6] == (33).to_bytes(2, "big")
        assert all(name.encode() in answer for name in _MECHANISMS)
        assert client.wait_closed() == b""


def test_bare_messages_follow_the_first_version_of_the_handshake(broker: BrokerProcess) -> None:
    with RawClient(broker.port) as client:
        client.send(request(17, 0, b"\0\5PLAIN"))
        assert client.answer()[4:6] == b"\0\0"
        message = b"\0alice\0secret"
        client.send(len(message).to_bytes(4, "big") + message)
        assert client.answer() == b""
        client.send(request(METADATA, 1, bytes(4)))
        assert client.answer()[:4] == b"\0\0\0\1"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (request(METADATA, 1, bytes(4)), "METADATA before authentication"),
        (request(PRODUCE, 3, produce_body("t", 0, bytes(61))), "PRODUCE before authentication"),
        ((600_000).to_bytes(4, "big") + b"\0\0", "frame size=600000 B, expected 4 to 524288 B"),
    ],
)
def test_a_stranger_may_ask_for_nothing_and_say_little(
    broker: BrokerProcess, frame: bytes, expected: str
) -> None:
    with RawClient(broker.port) as client:
        assert client.is_served()
        client.send(frame)
        assert client.wait_closed() == b""
        until(lambda: any(client.name in line for line in broker.closing_lines()))
        (line,) = [line for line in broker.closing_lines() if client.name in line]
    assert expected in line


def test_without_users_a_handshake_is_told_that_there_is_none(tmp_path: Path) -> None:
    with broker_process(tmp_path) as process, RawClient(process.port) as client:
        client.send(request(17, 1, b"\0\5PLAIN"))
        assert client.answer()[4:6] == (34).to_bytes(2, "big")
        assert client.is_served()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_nobody_listens_to_the_world_without_asking_who_it_is(tmp_path: Path, host: str) -> None:
    with pytest.raises(ListenFailed, match="--insecure-listen"):
        Server(str(tmp_path), ServerConfig(host=host))


def test_with_users_or_by_name_the_world_may_come(tmp_path: Path) -> None:
    config = ServerConfig(host="0.0.0.0", is_insecure_listen_allowed=True)
    server = Server(str(tmp_path), config)
    server.stop()
    server.run()
    users = load_users(_users_file(tmp_path))
    server = Server(str(tmp_path), ServerConfig(host="0.0.0.0", users=users))
    server.stop()
    server.run()


def test_the_users_file_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = _users_file(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in path.read_text()
    path.chmod(0o644)
    with pytest.raises(UsersFileError, match="mode=0644, expected 0600"):
        load_users(path)


def test_users_are_listed_and_removed(tmp_path: Path) -> None:
    path = _users_file(tmp_path)
    run = CliRunner().invoke
    assert run(iowitness, ["users", "add", str(path), "bob"], input="b\n").exit_code == 0
    assert run(iowitness, ["users", "list", str(path)]).output == "alice\nbob\n"
    assert run(iowitness, ["users", "remove", str(path), "alice"]).exit_code == 0
    assert run(iowitness, ["users", "list", str(path)]).output == "bob\n"
    missing = run(iowitness, ["users", "remove", str(path), "alice"])
    assert missing.exit_code == 2
    assert "user='alice' is not there" in missing.output
    assert run(iowitness, ["users", "list", str(tmp_path / "none")]).exit_code == 2
