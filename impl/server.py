"""The broker's shell: one thread, one epoll, non-blocking sockets.

Answers to one connection keep the order of its requests: while one is owed, no further request of
that connection is taken up, and after a few it is the others' turn. What clients have to do has
deadlines, what they may hold has limits: `connection_clock`, `admission`.
"""

import contextlib
import logging
import secrets
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence

from iowitness.impl.admission import Doorkeeper, MemoryGate
from iowitness.impl.broker import Broker, new_cluster_id
from iowitness.impl.broker_state import BrokerState, ParkedCall, ParkedFetch, Part, Session
from iowitness.impl.connection import Connection
from iowitness.impl.connection_clock import Phase
from iowitness.impl.deadlines import Deadlines
from iowitness.impl.file_region import FileRegion
from iowitness.impl.listening import (
    OUT_OF_DESCRIPTORS,
    SpareDescriptor,
    check_exposure,
    listening_socket,
)
from iowitness.impl.log_files import LogFiles, RealFiles
from iowitness.impl.peer import HUNG_UP, READABLE, WRITABLE, Peer
from iowitness.impl.sasl_exchange import SaslExchange
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.thread_names import name_this_thread
from iowitness.impl.topics import Topics
from iowitness.impl.waiting_fetches import WaitingFetches
from iowitness.impl.wake_up import WakeUp
from iowitness.impl.wire_errors import Farewell, ProtocolViolation

log = logging.getLogger(__name__)

_SHARED_BYTE_COUNT = 1_048_576
_FRAMES_PER_TURN = 32


class Server:
    """A broker on a data folder. It listens once constructed, and answers while `run` runs."""

    def __init__(
        self,
        directory: str,
        config: ServerConfig | None = None,
        files: LogFiles | None = None,
    ) -> None:
        self._config = config or ServerConfig()
        check_exposure(
            self._config.host,
            asks_who=self._config.users is not None,
            is_insecure_allowed=self._config.is_insecure_listen_allowed,
        )
        self._listener = listening_socket(self._config.host, self._config.port)
        self.port: int = self._listener.getsockname()[1]
        try:
            now_ms = time.time_ns() // 1_000_000
            topics = Topics.open(directory, self._config.log, files or RealFiles(), now_ms=now_ms)
        except BaseException:
            self._listener.close()
            raise
        state = BrokerState(self._config, topics, new_cluster_id(), self.port)
        self._topics = topics
        self._broker = Broker(state)
        self._state = state
        self._shared = memoryview(bytearray(_SHARED_BYTE_COUNT))
        self._peers: dict[int, Peer] = {}
        self._waiting: WaitingFetches[Peer] = WaitingFetches()
        self._doorkeeper = Doorkeeper(self._config.admission)
        self._memory = MemoryGate(self._config.admission)
        self._deadlines = Deadlines()
        self._queued: deque[Peer] = deque()
        self._spare = SpareDescriptor()
        self._calls: dict[ParkedCall, Peer] = {}
        self._wake = WakeUp()
        self._epoll = select.epoll()
        self._epoll.register(self._wake.descriptor, select.EPOLLIN)
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._stopping = False

    def ensure_topic(self, name: str, partition_count: int) -> None:
        """Create a topic that is not there yet, before `run`; one that is there stays as it is."""
        if name not in self._topics.by_name:
            self._topics.create(name, partition_count, now_ms=time.time_ns() // 1_000_000)

    def stop(self) -> None:
        """Ask `run` to end; may be called from a signal handler or another thread, and twice."""
        self._stopping = True
        self._wake.wake()

    def stop_on(self, *signals: signal.Signals) -> None:
        """Have signals stop `run`, which has to be called on the main thread, as this has."""
        self._wake.on_signals(signals, self.stop)

    def run(self) -> None:
        """Serve until `stop`, then close every connection and every log cleanly.

        Raises `OSError` if a log could not be closed, after all had their turn.
        """
        name_this_thread("broker-loop")
        try:
            while not self._stopping:
                for descriptor, events in self._epoll.poll(self._timeout_s()):
                    self._happened(descriptor, events)
                self._expire()
                self._take_turns()
        finally:
            self._close()

    def _timeout_s(self) -> float | None:
        if self._queued:
            return 0.0
        dues = (
            self._waiting.next_deadline_ns(),
            self._deadlines.next_ns(),
            self._broker.next_deadline_ns(),
        )
        first_ns = min((due for due in dues if due is not None), default=None)
        if first_ns is None:
            return None
        return max(0.0, (first_ns - time.monotonic_ns()) / 1e9)

    def _happened(self, descriptor: int, events: int) -> None:
        if descriptor == self._wake.descriptor:
            self._wake.drain()
            return
        if descriptor == self._listener.fileno():
            self._accept()
            return
        peer = self._peers.get(descriptor)
        if peer is None:
            return
        with self._guarded(peer):
            if events & WRITABLE:
                self._writable(peer)
            if events & select.EPOLLIN and not peer.closed:
                self._readable(peer)
            elif events & HUNG_UP and not peer.closed:
                self._drop(peer)
        self._answer_waiting()

    @contextlib.contextmanager
    def _guarded(self, peer: Peer) -> Iterator[None]:
        """Whatever goes wrong while a connection is worked on ends that connection, in one line."""
        try:
            yield
        except ProtocolViolation as violation:
            log.warning("%s: %s; connection closed", peer.session.peer, violation)
            if isinstance(violation, Farewell):
                self._say_farewell(peer, violation.frame)
            self._drop(peer)
        except OSError as error:
            log.info("%s: %s; connection closed", peer.session.peer, error)
            self._drop(peer)
        except Exception:
            log.exception("%s: a bug; connection closed", peer.session.peer)
            self._drop(peer)
        if not peer.closed:
            self._settle(peer)

    def _say_farewell(self, peer: Peer, frame: bytearray) -> None:
        """A last answer, as far as the socket takes it at once."""
        with contextlib.suppress(OSError):
            peer.owe([frame])
            peer.flush(self._config.read_path)

    def _settle(self, peer: Peer) -> None:
        """Bring deadline and memory up to date after something happened on a connection."""
        self._memory.hold(peer.descriptor, peer.connection.held_byte_count)
        self._deadlines.set(peer.descriptor, peer.due_ns(time.monotonic_ns()))

    def _accept(self) -> None:
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            if error.errno in OUT_OF_DESCRIPTORS:
                self._spare.turn_away(self._listener)
            log.warning("accept failed: %s", error)
            return
        told = f"{address[0]}:{address[1]}"
        refusal = self._doorkeeper.enter(address[0])
        if refusal is not None:
            log.warning("%s: %s; connection closed", told, refusal)
            sock.close()
            return
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        users = self._config.users
        session = Session(told, None if users is None else SaslExchange(users, _nonce))
        connection: Connection[FileRegion] = Connection(
            self._config.frame_limits,
            self._config.times,
            time.monotonic_ns(),
            is_stranger=lambda: not session.is_authenticated,
        )
        peer = Peer(sock, session, connection, address[0])
        self._peers[peer.descriptor] = peer
        self._epoll.register(peer.descriptor, peer.interest)
        self._settle(peer)

    def _readable(self, peer: Peer) -> None:
        if peer.is_blocked or peer.is_queued:
            self._watch(peer, peer.interest & ~select.EPOLLIN)
            return
        peer.is_muted = not self._memory.may_read(peer.descriptor)
        if peer.is_muted:
            self._watch(peer, peer.interest & ~select.EPOLLIN)
            return
        frames = peer.connection.frames
        try:
            count = peer.socket.recv_into(frames.room(self._shared))
        except BlockingIOError:
            frames.put_aside()
            return
        if count == 0:
            self._drop(peer)
            return
        frames.received(count)
        self._work(peer)

    def _writable(self, peer: Peer) -> None:
        if peer.flush(self._config.read_path):
            self._watch(peer, READABLE)
            self._work(peer)

    def _work(self, peer: Peer) -> None:
        """Answer the frames that are there, until one cannot be answered at once.

        After a few it is the others' turn, however many requests came in one go.
        """
        frames = peer.connection.frames
        for _ in range(_FRAMES_PER_TURN):
            frame = None if peer.is_blocked else frames.next_frame()
            if frame is None:
                break
            answer = self._broker.answer(peer.session, frame)
            if isinstance(answer, ParkedFetch):
                self._park(peer, answer)
            elif isinstance(answer, ParkedCall):
                peer.parked = answer
                self._calls[answer] = peer
            elif answer is not None:
                self._send(peer, answer)
        else:
            self._queue(peer)
        frames.put_aside()

    def _queue(self, peer: Peer) -> None:
        if not peer.is_queued and peer.connection.frames.pending_byte_count:
            peer.is_queued = True
            self._queued.append(peer)

    def _take_turns(self) -> None:
        """One more turn for each whose frames wait, and reading again where memory allows it."""
        for _ in range(len(self._queued)):
            peer = self._queued.popleft()
            peer.is_queued = False
            if not peer.closed:
                with self._guarded(peer):
                    self._work(peer)
                    if not peer.is_queued and not peer.is_blocked:
                        self._watch(peer, READABLE)
        for descriptor in self._memory.released():
            peer = self._peers[descriptor]
            peer.is_muted = False
            if not peer.is_blocked:
                self._watch(peer, READABLE)
            self._settle(peer)
        self._answer_waiting()

    def _send(self, peer: Peer, parts: Sequence[Part]) -> None:
        peer.owe(parts)
        if not peer.flush(self._config.read_path):
            self._watch(peer, peer.interest | WRITABLE)

    def _park(self, peer: Peer, parked: ParkedFetch) -> None:
        deadline_ns = time.monotonic_ns() + parked.request.max_wait_ms * 1_000_000
        peer.parked = parked
        peer.ticket = self._waiting.add(peer, parked.partitions, deadline_ns)

    def _answer_waiting(self) -> None:
        """Answer parked calls, and the fetches for which what was just appended is enough."""
        self._answer_calls()
        while self._state.appended:
            partition = self._state.appended.pop()
            for peer in self._waiting.waiting_for(partition):
                assert isinstance(peer.parked, ParkedFetch)
                parts = self._broker.retried(peer.parked)
                if parts is not None:
                    self._waiting.remove(peer.ticket)
                    self._unpark(peer, parts)
            self._answer_calls()

    def _answer_calls(self) -> None:
        for call, parts in self._broker.finished():
            peer = self._calls.pop(call, None)
            if peer is not None:
                self._unpark(peer, parts)

    def _expire(self) -> None:
        now_ns = time.monotonic_ns()
        self._broker.tick(now_ns)
        for peer in self._waiting.expired(now_ns):
            assert isinstance(peer.parked, ParkedFetch)
            self._unpark(peer, self._broker.timed_out(peer.parked))
        for descriptor in self._deadlines.expired(now_ns):
            peer = self._peers[descriptor]
            log.log(
                logging.INFO if peer.connection.clock.phase is Phase.IDLE else logging.WARNING,
                "%s: %s; connection closed",
                peer.session.peer,
                peer.overdue(),
            )
            self._drop(peer)
        self._answer_waiting()

    def _unpark(self, peer: Peer, parts: Sequence[Part]) -> None:
        peer.parked = None
        with self._guarded(peer):
            self._send(peer, parts)
            if not peer.is_blocked:
                self._watch(peer, READABLE)
                self._work(peer)

    def _watch(self, peer: Peer, interest: int) -> None:
        if interest != peer.interest and not peer.closed:
            peer.interest = interest
            self._epoll.modify(peer.descriptor, interest)

    def _drop(self, peer: Peer) -> None:
        if peer.closed:
            return
        peer.closed = True
        if isinstance(peer.parked, ParkedFetch):
            self._waiting.remove(peer.ticket)
        elif peer.parked is not None:
            self._calls.pop(peer.parked, None)
        del self._peers[peer.descriptor]
        self._memory.forget(peer.descriptor)
        self._deadlines.set(peer.descriptor, None)
        self._doorkeeper.leave(peer.address)
        peer.socket.close()

    def _close(self) -> None:
        for peer in list(self._peers.values()):
            self._drop(peer)
        self._listener.close()
        self._spare.close()
        self._epoll.close()
        self._wake.close()
        self._topics.close()


def _nonce() -> str:
    """The broker's part of a SCRAM nonce."""
    return secrets.token_urlsafe(24)
