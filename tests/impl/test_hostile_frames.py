"""What no honest client sends: it costs that one connection, one log line, and little memory."""

import contextlib
import itertools
import re
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crc32c import crc32c

from iowitness.impl.admission import AdmissionLimits
from iowitness.impl.batch_format import Codec
from iowitness.impl.batch_writer import encode_batch
from iowitness.impl.compression import Compressor
from iowitness.impl.connection_clock import ConnectionTimes
from iowitness.impl.server_config import ServerConfig
from tests.doubles.broker_process import BrokerProcess, broker_process, until
from tests.doubles.raw_client import (
    API_VERSIONS,
    FETCH,
    METADATA,
    PRODUCE,
    RawClient,
    produce_body,
    request,
)

_MOST_EXTRA_BYTE_COUNT = 64 * 1024 * 1024
_FIELD_COUNT = 20_000_000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with broker_process(tmp_path_factory.mktemp("broker")) as process:
        with RawClient(process.port) as client:
            client.send(request(METADATA, 1, b"\0\0\0\1\0\1t"))
            client.answer()
        yield process


def _bomb(codec: Codec) -> bytes:
    """A batch of half a megabyte at most that says it holds 40 MiB or more."""
    if codec is Codec.SNAPPY:  # which packs 20 to 1 at best, but may claim anything
        honest = encode_batch([(0, None, b"x", ())], Compressor(codec))
        claim = b"\xff\xff\xff\xff\x07" + bytes(64)
        batch = bytearray(honest[:61] + claim)
        batch[8:12] = (len(batch) - 12).to_bytes(4, "big")
        batch[17:21] = crc32c(bytes(batch[21:])).to_bytes(4, "big")
        return bytes(batch)
    return bytes(encode_batch([(0, None, bytes(40 << 20), ())], Compressor(codec)))


_TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(32)
_HOSTILE: dict[str, tuple[bytes, str]] = {
    "a length of 2^31-1": (b"\x7f\xff\xff\xff", "frame size=2147483647 B, expected 4 to"),
    "a negative length": (b"\xff\xff\xff\xff", "frame size=-1 B, expected 4 to"),
    "a length of 0": (bytes(4), "frame size=0 B, expected 4 to"),
    "a TLS hello": (_TLS_HELLO, "a TLS hello on a plaintext port"),
    "an HTTP request": (b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n", "an HTTP request"),
    "an unknown API": (bytes.fromhex("0000000a 7fff 0000 00000001 ffff"), "api_key=32767"),
    "a version of the future": (bytes.fromhex("0000000a 0003 0063 00000001 ffff"), "version=99"),
    "a client id longer than the frame": (
        bytes.fromhex("0000000a 0012 0000 00000001 7fff"),
        "length=32767 B, expected 0 to 0 B",
    ),
    "an array of more than there are bytes": (
        request(METADATA, 1, b"\x7f\xff\xff\xff"),
        "array count=2147483647, expected 0 to the 0 B left",
    ),
    "an array of -2": (request(METADATA, 1, b"\xff\xff\xff\xfe"), "array count=-2"),
    "an endless varint": (request(METADATA, 9, b"\xff" * 64), "varint longer than 5 B"),
    "a flexible array of a billion": (
        request(METADATA, 9, bytes.fromhex("ffffffff07") + bytes(8)),
        "array count=2147483646, expected 0 to",
    ),
    "text that is no UTF-8": (request(METADATA, 1, b"\0\0\0\1\0\2\xff\xfe"), "expected UTF-8"),
    "a name with line ends in it": (
        request(
            PRODUCE,
            3,
            bytes.fromhex("ffff 0000 00007530 00000001 0008")
            + b"a\nb\x1b[31m"
            + bytes.fromhex("00000001 00000000 ffffffff"),
        ),
        r"acks=0 and a\nb\x1b[31m-0 failed with",
    ),
    "a produce request without its records": (
        request(PRODUCE, 3, produce_body("t", 0, bytes(61))[:-30]),
        "length=61 B, expected 0 to 31 B",
    ),
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_hostile_frame_costs_its_own_connection_and_one_log_line(
    broker: BrokerProcess, name: str
) -> None:
    piece, expected = _HOSTILE[name]
    with RawClient(broker.port) as other, RawClient(broker.port) as hostile:
        hostile.send(piece)
        hostile.wait_closed()
        lines = [line for line in broker.closing_lines() if hostile.name in line]
        assert len(lines) == 1
        assert expected in lines[0]
        assert other.is_served()


@pytest.mark.parametrize("place", ["header", "body"])
def test_twenty_million_tagged_fields_are_refused_without_being_kept(
    broker: BrokerProcess, place: str
) -> None:
    fields = bytes.fromhex("80dac409") + b"\1\0" * _FIELD_COUNT
    before = broker.resident_byte_count()
    broker.forget_peak()
    with RawClient(broker.port) as hostile:
        if place == "header":
            head = bytes.fromhex("0000 0009 00000001 ffff")
        else:  # a whole produce request, but for the fields at its end
            head = bytes.fromhex("0000 0009 00000001 ffff 00 00 0001 00007530 01")
        frame = head + fields
        hostile.send(len(frame).to_bytes(4, "big"), frame)
        hostile.wait_closed()
        lines = [line for line in broker.closing_lines() if hostile.name in line]
    assert len(lines) == 1
    assert "20000000 tagged fields, expected at most 64" in lines[0]
    assert broker.peak_byte_count() - before < _MOST_EXTRA_BYTE_COUNT


_TOPIC_COUNT = 500_000
_MANY_SMALL_THINGS: dict[str, Callable[[], bytes]] = {
    "half a million topics without a name": lambda: request(
        METADATA, 0, _TOPIC_COUNT.to_bytes(4, "big") + b"\0\0" * _TOPIC_COUNT
    ),
    "twenty million topics to produce to": lambda: request(
        PRODUCE, 9, bytes.fromhex("00 0001 00007530 81dac409") + b"\1\1\0" * _FIELD_COUNT + b"\0"
    ),
    "five million partitions of nothing": lambda: request(
        PRODUCE,
        3,
        bytes.fromhex("ffff 0001 00007530 00000001 0001 74")
        + (5_000_000).to_bytes(4, "big")
        + bytes.fromhex("00000000 ffffffff") * 5_000_000,
    ),
    "a fetch of many topics": lambda: request(
        FETCH,
        4,
        bytes.fromhex("ffffffff 000001f4 00000001 00100000 00")
        + (170_000).to_bytes(4, "big")
        + bytes.fromhex("0000 00000000") * 170_000,
    ),
}


@pytest.mark.parametrize("name", _MANY_SMALL_THINGS)
def test_many_small_things_in_a_frame_are_refused_before_they_are_made(
    broker: BrokerProcess, name: str
) -> None:
    before = broker.resident_byte_count()
    broker.forget_peak()
    with RawClient(broker.port) as other, RawClient(broker.port) as hostile:
        hostile.send(_MANY_SMALL_THINGS[name]())
        hostile.wait_closed()
        assert other.is_served()
        lines = [line for line in broker.closing_lines() if hostile.name in line]
    assert broker.peak_byte_count() - before < _MOST_EXTRA_BYTE_COUNT
    assert len(lines) == 1
    assert "array elements in one frame, expected at most 100000" in lines[0]


@pytest.mark.parametrize("codec", [codec for codec in Codec if codec is not Codec.NONE])
def test_a_decompression_bomb_is_put_out_chunk_by_chunk(
    broker: BrokerProcess, codec: Codec
) -> None:
    frame = request(PRODUCE, 3, produce_body("t", 0, _bomb(codec)))
    assert len(frame) < 1_000_000
    before = broker.resident_byte_count()
    broker.forget_peak()
    with RawClient(broker.port) as other, RawClient(broker.port) as hostile:
        hostile.send(frame)
        assert hostile.wait_closed() == b""
        assert other.is_served()
        lines = [line for line in broker.closing_lines() if hostile.name in line]
    assert len(lines) == 1
    assert re.search(r": t-0: .* (become more than|expected at most) \d+ B;", lines[0])
    assert broker.peak_byte_count() - before < _MOST_EXTRA_BYTE_COUNT


def test_requests_without_end_from_one_who_never_reads_take_no_memory(
    broker: BrokerProcess,
) -> None:
    before = broker.resident_byte_count()
    broker.forget_peak()
    with RawClient(broker.port, receive_byte_count=4096) as hostile:
        hostile.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # the broker stops reading, so this has to stop
            for _ in range(1_000):
                hostile.socket.sendall(API_VERSIONS * 10_000)
            pytest.fail("the broker took 140 MB of requests from one who reads no answer")
        with RawClient(broker.port) as other:
            assert other.is_served()
        assert broker.peak_byte_count() - before < _MOST_EXTRA_BYTE_COUNT


def test_a_crowd_of_requests_in_one_go_does_not_keep_others_waiting_for_all_of_them(
    broker: BrokerProcess,
) -> None:
    with RawClient(broker.port) as greedy, RawClient(broker.port) as other:
        greedy.send(API_VERSIONS * 20_000)
        assert other.is_served()
        greedy.socket.settimeout(0)
        came = 0
        with contextlib.suppress(BlockingIOError):
            while piece := greedy.socket.recv(65_536):
                came += len(piece)
        greedy.socket.settimeout(20)
        size = len(_answer_to(API_VERSIONS, broker))
        assert came < 20_000 * size
        while came < 20_000 * size:
            came += len(greedy.socket.recv(1 << 20))
        assert came == 20_000 * size


def _answer_to(asked: bytes, broker: BrokerProcess) -> bytes:
    with RawClient(broker.port) as client:
        client.send(asked)
        return b"size" + client.answer()


_IMPATIENT = ServerConfig(
    times=ConnectionTimes(
        first_byte_ms=400, frame_ms=600, least_bytes_per_s=1_000, idle_ms=1_500, write_stall_ms=700
    ),
    admission=AdmissionLimits(connection_count=12, held_byte_count=3_000_000),
)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with broker_process(tmp_path_factory.mktemp("impatient"), _IMPATIENT) as process:
        yield process


def _trickled(client: RawClient, piece: bytes) -> None:
    """Send a byte at a time, for as long as the broker takes them."""
    for byte in itertools.cycle(piece):
        try:
            client.socket.sendall(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            return
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("says nothing", "no byte within 400 ms"),
        ("begins a frame", "2 B of a frame after more than 600 ms"),
        ("sends a byte now and then", "B of a frame after more than 600 ms"),
        ("asks once", "no request within 1500 ms"),
        ("does not read", "of an answer not taken within 700 ms"),
    ],
)
def test_whoever_makes_the_broker_wait_is_closed_with_one_log_line(
    impatient: BrokerProcess, behaviour: str, expected: str
) -> None:
    with RawClient(impatient.port, receive_byte_count=4096) as client:
        match behaviour:
            case "begins a frame":
                client.send(API_VERSIONS[:2])
            case "sends a byte now and then":
                _trickled(client, (1_000_000).to_bytes(4, "big") + bytes(64))
            case "asks once":
                assert client.is_served()
            case "does not read":
                client.send(API_VERSIONS * 60_000)
        name = client.name
        until(lambda: any(name in line for line in impatient.closing_lines()), 40)
        lines = [line for line in impatient.closing_lines() if name in line]
        assert len(lines) == 1
        assert expected in lines[0]


def test_one_connection_too_many_is_closed_and_told_in_the_log(impatient: BrokerProcess) -> None:
    until(impatient.is_alone)
    clients = [RawClient(impatient.port) for _ in range(13)]
    last = clients[-1]
    assert last.wait_closed() == b""
    until(lambda: any(last.name in line for line in impatient.closing_lines()))
    assert "connections=12, expected fewer than 12" in impatient.log_path.read_text()
    for client in clients:
        client.close()


def test_who_comes_when_descriptors_have_run_out_is_turned_away_and_the_loop_sleeps(
    tmp_path: Path,
) -> None:
    with broker_process(tmp_path) as process, contextlib.ExitStack() as crowd:
        open_count = len(list(Path(f"/proc/{process.process_id}/fd").iterdir()))
        resource.prlimit(process.process_id, resource.RLIMIT_NOFILE, (open_count + 5,) * 2)
        clients = [crowd.enter_context(RawClient(process.port)) for _ in range(12)]
        assert all(client.is_served() for client in clients[:5])
        assert [client.wait_closed() for client in clients[5:]] == [b""] * 7
        names = [client.name for client in clients[5:]]
        told = [line for line in process.closing_lines() if "Too many open files" in line]
        assert [name in line for name, line in zip(names, told, strict=True)] == [True] * 7
        clients[0].close()
        until(lambda: _is_welcome(process))


def _is_welcome(process: BrokerProcess) -> bool:
    with RawClient(process.port) as client:
        try:
            return client.is_served()
        except ConnectionError:
            return False


def test_many_large_frames_at_once_are_taken_one_after_another(impatient: BrokerProcess) -> None:
    """Ten frames of a megabyte with room for three: each is finished, none is refused."""
    frame = request(PRODUCE, 3, produce_body("absent", 0, bytes(1_000_000)))
    clients = [RawClient(impatient.port) for _ in range(10)]
    half = len(frame) // 2
    for client in clients:
        client.send(frame[:half])
    for client in clients:
        client.send(frame[half:])
    assert all(b"absent" in client.answer() for client in clients)
    for client in clients:
        client.close()


def test_a_large_frame_that_is_never_finished_is_forgotten_with_its_connection(
    broker: BrokerProcess,
) -> None:
    until(broker.is_alone)
    before = broker.resident_byte_count()
    with RawClient(broker.port) as client:
        client.send((100_000_000).to_bytes(4, "big") + bytes(2), bytes(50_000_000))
        until(lambda: broker.resident_byte_count() - before > 40_000_000)
    until(lambda: broker.resident_byte_count() - before < 8_000_000)


def test_descriptors_and_memory_come_back_when_a_crowd_has_left(broker: BrokerProcess) -> None:
    until(broker.is_alone)
    before = broker.resident_byte_count()
    clients = [RawClient(broker.port) for _ in range(300)]
    for number, client in enumerate(clients):
        client.send(API_VERSIONS[: number % 14])
    with RawClient(broker.port) as other:
        assert other.is_served()
    for client in clients:
        client.close()
    until(broker.is_alone)
    assert broker.resident_byte_count() - before < 8 * 1024 * 1024
