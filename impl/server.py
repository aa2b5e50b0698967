"""The broker's shell: one thread, one epoll, non-blocking sockets.

Answers to one connection keep the order of its requests: while one is owed, no further request of
that connection is taken up, and after a few it is the others' turn. What clients have to do has
deadlines, what they may hold has limits: `connection_clock`, `admission`.
"""

import contextlib
import logging
import select
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence

from iowitness.impl.admission import MemoryGate
from iowitness.impl.api_table import APIS
from iowitness.impl.broker import Broker
from iowitness.impl.broker_state import BrokerState, ParkedCall, ParkedFetch, Part
from iowitness.impl.connection_clock import Phase
from iowitness.impl.counted_files import CountedFiles
from iowitness.impl.deadlines import Deadlines
from iowitness.impl.log_files import LogFiles
from iowitness.impl.log_lines import one_line
from iowitness.impl.metrics import Closed, Metrics
from iowitness.impl.metrics_families import Connections
from iowitness.impl.metrics_listener import MetricsListener
from iowitness.impl.metrics_moment import told_metrics
from iowitness.impl.peer import HUNG_UP, READABLE, WRITABLE, Peer
from iowitness.impl.reception import Reception
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
        self._metrics = Metrics()
        self._reception = Reception(self._config, self._metrics.traffic)
        self.port: int = self._reception.port
        files = files or CountedFiles(self._metrics.flushes)
        try:
            now_ms = time.time_ns() // 1_000_000
            topics = Topics.open(directory, self._config.log, files, now_ms=now_ms)
        except BaseException:
            self._reception.close()
            raise
        state = BrokerState(
            self._config, topics, topics.cluster_id(), self.port, metrics=self._metrics
        )
        self._topics = topics
        self._broker = Broker(state)
        self._state = state
        self._shared = memoryview(bytearray(_SHARED_BYTE_COUNT))
        self._peers: dict[int, Peer] = {}
        self._waiting: WaitingFetches[Peer] = WaitingFetches()
        self._memory = MemoryGate(self._config.admission)
        self._deadlines = Deadlines()
        self._queued: deque[Peer] = deque()
        self._calls: dict[ParkedCall, Peer] = {}
        self._wake = WakeUp()
        self._epoll = select.epoll()
        self._epoll.register(self._wake.descriptor, select.EPOLLIN)
        self._epoll.register(self._reception.descriptor, select.EPOLLIN)
        self._stopping = False
        self._page = self._metrics_listener()

    @property
    def metrics_port(self) -> int | None:
        """Where the metrics are, on loopback; None if they are nowhere."""
        return None if self._page is None else self._page.port

    def ensure_topic(self, name: str, partition_count: int) -> None:
        """Create a topic that is not there yet, before `run`; one that is there stays as it is."""
        if name not in self._topics.by_name:
            self._topics.create(name, partition_count, now_ms=time.time_ns() // 1_000_000)

    def stop(self) -> None:
        """Ask `run` to end; may be called from a signal handler or another thread, and twice."""
        self._stopping = True
        self._wake.wake()

    def stop_on(self, *signals: signal.Signals) -> None:
        """Have signals stop `run`, which has to be called on the main thread, as this has.

        After the first of them, a second one ends the process at once.
        """

        def stop() -> None:
            for number in signals:
                signal.signal(number, signal.SIG_DFL)
            self.stop()

        self._wake.on_signals(signals, stop)

    def run(self) -> None:
        """Serve until `stop`, then close every connection and every log cleanly.

        Raises `OSError` if a log could not be closed, after all had their turn.
        """
        name_this_thread("broker-loop")
        try:
            while not self._stopping:
                self._turn_around(self._epoll.poll(self._timeout_s()))
        finally:
            self._close()

    def _turn_around(self, happened: Sequence[tuple[int, int]]) -> None:
        """One turn of the loop.

        Connections are accepted last: a new one may get the descriptor of one that was closed in
        the same turn, and must not be taken for it by an event that came before.
        """
        comes_in = False
        for descriptor, events in happened:
            if descriptor == self._reception.descriptor:
                comes_in = True
            elif self._page is not None and self._page.owns(descriptor):
                self._page.happened(descriptor)
            else:
                self._happened(descriptor, events)
        if comes_in:
            self._accept()
        self._expire()
        self._take_turns()

    def _timeout_s(self) -> float | None:
        if self._queued:
            return 0.0
        dues = (
            self._waiting.next_deadline_ns(),
            self._deadlines.next_ns(),
            self._broker.next_deadline_ns(),
            None if self._page is None else self._page.next_ns(),
        )
        first_ns = min((due for due in dues if due is not None), default=None)
        return None if first_ns is None else max(0.0, (first_ns - time.monotonic_ns()) / 1e9)

    def _happened(self, descriptor: int, events: int) -> None:
        if descriptor == self._wake.descriptor:
            self._wake.drain()
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
                self._drop(peer, Closed.BY_CLIENT)
        self._answer_waiting()

    @contextlib.contextmanager
    def _guarded(self, peer: Peer) -> Iterator[None]:
        """Whatever goes wrong while a connection is worked on ends that connection, in one line."""
        try:
            yield
        except ProtocolViolation as violation:
            log.warning("%s: %s; connection closed", peer.session.peer, one_line(violation))
            if isinstance(violation, Farewell):
                peer.say_farewell(violation.frame)
            self._drop(peer, Closed.VIOLATION)
        except OSError as error:
            log.info("%s: %s; connection closed", peer.session.peer, one_line(error))
            self._drop(peer, Closed.FAILURE)
        except Exception:
            log.exception("%s: a bug; connection closed", peer.session.peer)
            self._drop(peer, Closed.FAILURE)
        if not peer.closed:
            self._settle(peer)

    def _settle(self, peer: Peer) -> None:
        """Bring deadline and memory up to date after something happened on a connection."""
        self._memory.hold(peer.descriptor, peer.connection.held_byte_count)
        self._deadlines.set(peer.descriptor, peer.due_ns(time.monotonic_ns()))

    def _accept(self) -> None:
        peer = self._reception.accept()
        if peer is not None:
            self._peers[peer.descriptor] = peer
            self._metrics.accepted_count += 1
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
            count = peer.transport.receive_into(frames.room(self._shared))
        except BlockingIOError:
            frames.put_aside()
            if peer.transport.waits_to_write:
                self._watch(peer, READABLE | WRITABLE)
            return
        if count == 0:
            self._drop(peer, Closed.BY_CLIENT)
            return
        frames.received(count)
        peer.traffic.received += count
        self._work(peer)

    def _writable(self, peer: Peer) -> None:
        if peer.transport.waits_to_write:
            self._watch(peer, READABLE)
            self._readable(peer)
        elif peer.flush(self._config.read_path):
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
            peer.takes_up(frame, time.monotonic_ns())
            answer = self._broker.answer(peer.session, frame)
            if isinstance(answer, ParkedFetch):
                self._park(peer, answer)
            elif isinstance(answer, ParkedCall):
                peer.parked = answer
                self._calls[answer] = peer
            elif answer is not None:
                self._send(peer, answer)
            else:
                self._answered(peer)
        frames.put_aside()
        self._queue(peer)

    def _queue(self, peer: Peer) -> None:
        """Let it have another turn, if it has more to say than epoll will tell of."""
        if not peer.is_queued and not peer.is_blocked and not peer.is_muted and peer.has_more:
            peer.is_queued = True
            self._queued.append(peer)

    def _take_turns(self) -> None:
        """One more turn for each whose frames wait, and reading again where memory allows it."""
        for _ in range(len(self._queued)):
            peer = self._queued.popleft()
            peer.is_queued = False
            if not peer.closed:
                with self._guarded(peer):
                    self._turn(peer)
        for descriptor in self._memory.released():
            peer = self._peers[descriptor]
            peer.is_muted = False
            if not peer.is_blocked:
                self._watch(peer, READABLE)
                self._queue(peer)
            self._settle(peer)
        self._answer_waiting()

    def _turn(self, peer: Peer) -> None:
        if peer.connection.frames.has_whole_frame:
            self._work(peer)
        elif peer.transport.has_unread:
            self._readable(peer)
        if not peer.closed and not peer.is_queued and not peer.is_blocked and not peer.is_muted:
            self._watch(peer, READABLE)

    def _answered(self, peer: Peer) -> None:
        """Count the request that was taken up last."""
        if peer.asked_api_key in APIS:  # a bare SASL message has no key
            self._metrics.answered(peer.asked_api_key, time.monotonic_ns() - peer.asked_ns)

    def _send(self, peer: Peer, parts: Sequence[Part]) -> None:
        self._answered(peer)
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
                with self._guarded(peer):
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
        if self._page is not None:
            self._page.expire(now_ns)
        for peer in self._waiting.expired(now_ns):
            with self._guarded(peer):
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
            self._drop(peer, Closed.DEADLINE)
        self._answer_waiting()

    def _unpark(self, peer: Peer, parts: Sequence[Part]) -> None:
        with self._guarded(peer):
            peer.parked = None
            self._send(peer, parts)
            if not peer.is_blocked:
                self._watch(peer, READABLE)
                self._work(peer)

    def _watch(self, peer: Peer, interest: int) -> None:
        if interest != peer.interest and not peer.closed:
            peer.interest = interest
            self._epoll.modify(peer.descriptor, interest)

    def _drop(self, peer: Peer, why: Closed) -> None:
        if peer.closed:
            return
        peer.closed = True
        self._metrics.closed[why] += 1
        if isinstance(peer.parked, ParkedFetch):
            self._waiting.remove(peer.ticket)
        elif peer.parked is not None:
            self._calls.pop(peer.parked, None)
        del self._peers[peer.descriptor]
        self._memory.forget(peer.descriptor)
        self._deadlines.set(peer.descriptor, None)
        self._reception.left(peer)
        peer.transport.close()

    def _metrics_listener(self) -> MetricsListener | None:
        if self._config.metrics_port is None:
            return None
        try:
            return MetricsListener(self._config.metrics_port, self._told_metrics, self._epoll)
        except BaseException:
            self._close()
            raise

    def _told_metrics(self) -> str:
        connections = Connections(
            len(self._peers),
            self._reception.refused_count,
            self._memory.held_byte_count,
            len(self._waiting),
        )
        return told_metrics(self._metrics, connections, self._topics)

    def _close(self) -> None:
        for peer in list(self._peers.values()):
            self._drop(peer, Closed.STOP)
        if self._page is not None:
            self._page.close()
        self._reception.close()
        self._epoll.close()
        self._wake.close()
        self._topics.close()
