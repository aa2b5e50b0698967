"""How many bytes took which path between clients, sockets, buffers and files: pure.

A connection belongs to the fetch path if the server answered more bytes than it was asked with,
else to the produce path. That needs no knowledge of the protocol, and no trace of the clients.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from iowitness.report.file_names import drawn_files, is_segment
from iowitness.report.thread_labels import UNNAMED_ROLE, thread_labels
from iowitness.traces.events import (
    Accepted,
    File,
    Mapped,
    Read,
    Received,
    Sent,
    Socket,
    Transferred,
    Written,
)
from iowitness.traces.history import History

Link: TypeAlias = Literal[
    "clients send",
    "server receives",
    "server writes",
    "server writes elsewhere",
    "server reads",
    "server reads elsewhere",
    "kernel transfers",
    "server sends",
    "clients receive",
    "clients ask",
    "server is asked",
    "server answers",
    "clients are answered",
]


class Flow(Struct, frozen=True):
    """Bytes that took one link, the calls that moved them, and those calls' names."""

    byte_count: int = 0
    call_count: int = 0
    calls: tuple[str, ...] = ()


class ByteFlow(Struct, frozen=True, kw_only=True):
    """The flows of one history by link, and what the picture cannot show.

    `mapped_count` counts mappings of drawn files: bytes can pass through them without any call.
    `files` is what those files are called: `segments`, or `files` where they are none of a log.
    """

    flows: Mapping[Link, Flow]
    server: str
    mapped_count: int
    files: Literal["segments", "files"]

    def flow(self, link: Link) -> Flow:
        """The flow of one link; nothing where no call took it."""
        return self.flows.get(link, Flow())

    @property
    def clients_are_traced(self) -> bool:
        """True if any client's own calls are in the history."""
        return any(link.startswith("clients") for link in self.flows)

    @property
    def user_space_share(self) -> float | None:
        """The part of the segments' outgoing bytes that was read into the server, 0 to 1."""
        copied = self.flow("server reads").byte_count
        moved = copied + self.flow("kernel transfers").byte_count
        return copied / moved if moved else None


class _Sum:
    """Adds up one link."""

    def __init__(self) -> None:
        self.byte_count = 0
        self.calls: Counter[str] = Counter()

    def add(self, call: str, byte_count: int) -> None:
        self.byte_count += byte_count
        self.calls[call] += 1

    def flow(self) -> Flow:
        names = tuple(name for name, _ in self.calls.most_common())
        return Flow(self.byte_count, self.calls.total(), names)


def byte_flow(history: History, root: str) -> ByteFlow:
    """The flows of the history's server: its processes in the role `broker`, or that accept."""
    server_ids, server = _server(history)
    fetch_ids = _fetch_sockets(history, server_ids)
    segments = drawn_files(_data_files(history), root)
    sums: dict[Link, _Sum] = defaultdict(_Sum)
    mapped_count = 0
    for event in history:
        if event.error is not None:
            continue
        is_server = event.process_id in server_ids
        match event:
            case Sent(channel=Socket() as socket) | Received(channel=Socket() as socket):
                is_fetch = socket.socket_id in fetch_ids
                link = _SOCKET_LINKS[is_server, is_fetch, isinstance(event, Sent)]
                if event.byte_count and socket.family != "NETLINK":
                    sums[link].add(event.call, event.byte_count)
            case Read() | Written() | Transferred() if is_server:
                file_link = _file_link(event, segments)
                if file_link is not None:
                    sums[file_link].add(event.call, event.byte_count)
            case Mapped() if is_server and event.file.path in segments:
                mapped_count += 1
            case _:
                pass
    flows = {link: total.flow() for link, total in sums.items()}
    return ByteFlow(
        flows=flows,
        server=server,
        mapped_count=mapped_count,
        files="segments" if all(map(is_segment, segments)) else "files",
    )


_SOCKET_LINKS: Mapping[tuple[bool, bool, bool], Link] = {
    (True, True, True): "server sends",
    (True, True, False): "server is asked",
    (True, False, True): "server answers",
    (True, False, False): "server receives",
    (False, True, True): "clients ask",
    (False, True, False): "clients receive",
    (False, False, True): "clients send",
    (False, False, False): "clients are answered",
}
"""Link by: of the server, of the fetch path, sent."""


def _server(history: History) -> tuple[frozenset[int], str]:
    labels = thread_labels(history).values()
    brokers = frozenset(label.process_id for label in labels if label.role == "broker")
    if brokers:
        return brokers, "the broker"
    accepting = frozenset(event.process_id for event in history.of_kind(Accepted))
    chosen = accepting or frozenset(label.process_id for label in labels)
    roles = [label.role for label in labels if label.process_id in chosen]
    named = [role for role in roles if role != UNNAMED_ROLE]
    return chosen, named[0] if named else "the server"


def _fetch_sockets(history: History, server_ids: frozenset[int]) -> frozenset[int]:
    """Sockets, of either side, on which the server sent more than it received."""
    surplus: Counter[int] = Counter()
    for event in history:
        if event.error is not None:
            continue
        sign = 1 if event.process_id in server_ids else -1
        match event:
            case Sent(channel=Socket() as socket):
                surplus[socket.socket_id] += sign * event.byte_count
            case Received(channel=Socket() as socket):
                surplus[socket.socket_id] -= sign * event.byte_count
            case Transferred(destination=Socket() as socket):
                surplus[socket.socket_id] += sign * event.byte_count
            case _:
                pass
    return frozenset(socket_id for socket_id, count in surplus.items() if count > 0)


def _data_files(history: History) -> frozenset[File]:
    files: set[File] = set()
    for event in history:
        match event:
            case Read() | Written():
                files.add(event.file)
            case Transferred():
                files |= {end for end in (event.source, event.destination) if isinstance(end, File)}
            case _:
                pass
    return frozenset(files)


def _file_link(event: Read | Written | Transferred, segments: frozenset[str]) -> Link | None:
    match event:
        case Transferred(source=File() as file):
            return "kernel transfers" if file.path in segments else None
        case Transferred():
            return None
        case Written():
            return "server writes" if event.file.path in segments else "server writes elsewhere"
        case Read():
            return "server reads" if event.file.path in segments else "server reads elsewhere"
