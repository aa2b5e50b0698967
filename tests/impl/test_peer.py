"""What a client is owed, sent part by part to one that reads slowly."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.impl.broker_state import Session
from iowitness.impl.connection import Connection, FrameLimits
from iowitness.impl.connection_clock import ConnectionTimes
from iowitness.impl.file_region import FileRegion
from iowitness.impl.log_files import RealFiles
from iowitness.impl.metrics import Traffic
from iowitness.impl.peer import Peer
from iowitness.impl.server_config import ReadPath
from iowitness.impl.transport import PlainTransport


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("read_path", ["sendfile", "copy"])
def test_parts_go_out_in_order_and_a_partial_write_resumes_where_it_stopped(
    tmp_path: Path, pair: tuple[socket.socket, socket.socket], read_path: ReadPath
) -> None:
    ours, theirs = pair
    stored = bytes(range(256)) * 4_000
    (tmp_path / "segment").write_bytes(stored)
    file = RealFiles().open(str(tmp_path / "segment"))
    connection: Connection[FileRegion] = Connection(FrameLimits(), ConnectionTimes(), 0)
    traffic = Traffic()
    peer = Peer(PlainTransport(ours), Session("peer:1"), connection, "peer", traffic)
    heads = [b"head one" * 3_000, b"head two", b"the end"]
    regions = [FileRegion(file, 1_000, 500_000), FileRegion(file, 3, 100_000)]
    owed = [bytearray(heads[0]), regions[0], bytearray(heads[1]), regions[1], bytearray(heads[2])]
    expected = b"".join((heads[0], stored[1_000:501_000], heads[1], stored[3:100_003], heads[2]))
    peer.owe(owed)
    assert peer.owed_byte_count == len(expected)
    came = bytearray()
    part_counts = [len(connection.outbox)]
    while not peer.flush(read_path):
        part_counts.append(len(connection.outbox))
        came += theirs.recv(3_000)
        assert peer.owed_byte_count >= len(expected) - len(came) - 65_536
    ours.shutdown(socket.SHUT_WR)
    while piece := theirs.recv(65_536):
        came += piece
    assert bytes(came) == expected
    assert part_counts == sorted(part_counts, reverse=True), "a part is let go once it is sent"
    assert len(set(part_counts)) > 2
    moved = {"sendfile": (600_000, 0), "copy": (0, 600_000)}[read_path]
    assert (traffic.sendfile, traffic.copied) == moved
    assert traffic.from_memory == sum(map(len, heads))
    file.close()
