"""The sender's thread: everything that a producer does on the network, and nothing else does.

It takes over what callers handed in, fills batches, sends requests, reads answers. Callers reach
it through lists that only grow at their end, and an eventfd that ends its sleep.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Mapping

from iowitness.impl.accumulator import Accumulator, AccumulatorConfig, Ready
from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.batch_traffic import BatchTraffic
from iowitness.impl.client_versions import IncompatibleBroker
from iowitness.impl.cluster_view import Node
from iowitness.impl.delivery import Completions, wall_ms
from iowitness.impl.finished_batches import FinishedBatches
from iowitness.impl.handing_over import HandingOver
from iowitness.impl.message_codec import codec_of
from iowitness.impl.messages.cluster import (
    InitProducerIdRequest,
    InitProducerIdResponse,
    MetadataResponse,
)
from iowitness.impl.metadata_needs import MetadataNeeds
from iowitness.impl.node_link import Exchange, NodeLink
from iowitness.impl.node_links import NodeLinks
from iowitness.impl.producer_batch import Flush
from iowitness.impl.producer_config import ProducerConfig
from iowitness.impl.producer_errors import ProducerClosed, ProducerError
from iowitness.impl.producer_memory import Intake, ProducerMemory
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.sequences import Sequences
from iowitness.impl.thread_names import name_this_thread
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import (
    RETRIABLE_CODES,
    BrokerUnreachable,
    ErrorCode,
    ProtocolViolation,
    named,
)

log = logging.getLogger(__name__)

_RECONNECT_PAUSE_NS = 100_000_000
_LONGEST_SLEEP_S = 3_600.0


class FlushWanted:
    """A caller waits until everything that it handed over before is done."""

    __slots__ = ("done", "flush")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.flush: Flush | None = None


class ProducerSender:
    """The loop. `is_idle` is True while it sleeps with nothing lingering: a record must wake it.

    `is_asleep` is True while it sleeps at all: then a full block of records must.
    """

    def __init__(
        self,
        config: ProducerConfig,
        bootstrap: tuple[Node, ...],
        intakes: Mapping[str, Intake],
        memory: ProducerMemory,
        completions: Completions,
    ) -> None:
        self._config = config
        self._bootstrap = bootstrap
        self._intakes = intakes
        self._memory = memory
        self._sequences = Sequences(is_on=config.is_idempotent)
        backoff_ns = config.retry_backoff_ms * 1_000_000
        self._metadata = MetadataNeeds(config.metadata_max_age_ms * 1_000_000, backoff_ns)
        self._links = NodeLinks(config.client_id, max(backoff_ns, _RECONNECT_PAUSE_NS))
        self._finished = FinishedBatches(memory, completions)
        chance = random.Random()
        self._accumulator = Accumulator(
            AccumulatorConfig(
                batch_size=config.batch_size,
                linger_ns=config.linger_ms * 1_000_000,
                max_request_size=config.max_request_size,
                max_batches_per_request=config.max_batches_per_request,
                keeps_order=config.max_in_flight == 1,
            ),
            self._sequences,
            chance.randrange,
        )
        self._traffic = BatchTraffic(
            config,
            self._accumulator,
            self._sequences,
            self._metadata,
            self._links,
            self._finished,
            chance.random,
        )
        self._handing_over = HandingOver(
            self._accumulator, self._metadata, self._finished, config.max_block_ms * 1_000_000
        )
        self._flushes: deque[FlushWanted] = deque()
        self._close_deadline_ns: int | None = None
        self._is_identifying = False
        self._identify_not_before_ns = 0
        self._last_take_ns = 0
        self.is_idle = False
        self.is_asleep = False
        self.thread_id = 0

    def wake(self) -> None:
        """End the sleep; any thread may call it."""
        self.is_idle = self.is_asleep = False  # one call for each sleep is enough
        self._links.wake()

    def flush(self) -> FlushWanted:
        """Have everything that was handed over sent; the caller waits for `done`."""
        wanted = FlushWanted()
        self._flushes.append(wanted)
        self.wake()
        return wanted

    def stop(self, timeout_s: float | None) -> None:
        """Have everything sent within a time, and the thread ended."""
        limit_ns = 2**62 if timeout_s is None else round(timeout_s * 1e9)
        self._close_deadline_ns = time.monotonic_ns() + limit_ns
        self.wake()

    def run(self) -> None:
        """The thread's life."""
        name_this_thread("producer-sender")
        self.thread_id = threading.get_ident()
        try:
            while not self._is_over():
                self._turn()
        except Exception:
            log.exception("the sender of a producer ended by a bug")
        finally:
            self._end()

    def _is_over(self) -> bool:
        if self._close_deadline_ns is None:
            return False
        if time.monotonic_ns() >= self._close_deadline_ns:
            return True
        return (
            self._accumulator.is_empty
            and not self._traffic.under_way
            and not any(intake.handed for intake in tuple(self._intakes.values()))
            and not any(link.has_unsent for link in self._links.all)
        )

    def _turn(self) -> None:
        now_ns = time.monotonic_ns()
        self._take_over(now_ns)
        self._expire(now_ns)
        self._find_out(now_ns)
        ready = self._traffic.send(now_ns)
        self._settle(now_ns)
        timeout_s = self._timeout_s(ready, now_ns)
        idles = not ready.partitions and ready.next_check_ns is None
        # Set before looking once more: whoever hands in after that look sees it, and wakes us.
        self.is_idle, self.is_asleep = idles, True
        if idles and (self._has_news() or self._is_over()):
            timeout_s = 0
        for link, exchange, cursor in self._links.wait(timeout_s):
            self._answered(link, exchange, cursor)
        self.is_asleep = self.is_idle = False
        if idles:  # what comes now has not lingered yet
            self._last_take_ns = 0
        self._settle(time.monotonic_ns())

    def _has_news(self) -> bool:
        return any(
            intake.handed and intake.unknown_since_ns is None
            for intake in tuple(self._intakes.values())
        )

    def _take_over(self, now_ns: int) -> None:
        """Take over what came. It came after the last time, or now if nothing was expected."""
        arrived_ns = self._last_take_ns or now_ns
        intakes = tuple(self._intakes.values())
        all_taken = self._handing_over.take(intakes, now_ns, arrived_ns, wall_ms())
        self._last_take_ns = now_ns
        for wanted in tuple(self._flushes):
            if wanted.flush is None and all_taken:
                wanted.flush = self._accumulator.flush(self._traffic.under_way.values())
        if self._memory.waiting_count:
            self._memory.reclaim(intakes)
        self._accumulator.is_urgent = bool(
            self._flushes or self._memory.waiting_count or self._close_deadline_ns is not None
        )

    def _settle(self, now_ns: int) -> None:
        """Deal with lost connections, tell owners, end flushes that are through."""
        lost, self._links.lost = self._links.lost, []
        for exchange, error in lost:
            if exchange.batches:
                self._traffic.lost(exchange, error, now_ns)
            elif exchange.header.api_key == ApiKey.METADATA:
                self._metadata.failed(now_ns)
            elif exchange.header.api_key == ApiKey.INIT_PRODUCER_ID:
                self._is_identifying = False
        self._finished.tell()
        while self._flushes:
            first = self._flushes[0].flush
            if first is None or not first.is_done:
                break
            self._flushes.popleft().done.set()

    def _expire(self, now_ns: int) -> None:
        """Give up overdue batches, and connections whose peer owes an answer for too long."""
        self._traffic.expire(now_ns)
        limit_ns = self._config.request_timeout_ms * 1_000_000
        for link in self._links.all:
            since_ns = link.waiting_since_ns()
            if since_ns is not None and now_ns - since_ns >= limit_ns:
                self._links.drop(
                    link,
                    BrokerUnreachable(
                        f"host={link.node.host} port={link.node.port} answered nothing within "
                        f"request_timeout_ms={self._config.request_timeout_ms}"
                    ),
                )

    def _find_out(self, now_ns: int) -> None:
        """Ask for metadata, and for a producer id, where they are due."""
        due_ns = self._metadata.due_ns()
        if due_ns is not None and due_ns <= now_ns:
            link = self._any_link(now_ns)
            if link is not None:
                request = self._metadata.request()
                link.ask(ApiKey.METADATA, request, self._metadata_told, now_ns)
                self._links.flush(link)
        if self._must_identify(now_ns):
            link = self._any_link(now_ns)
            if link is not None:
                self._identify(link, now_ns)

    def _any_link(self, now_ns: int) -> NodeLink | None:
        nodes = [*self._metadata.view.nodes.values(), *self._bootstrap]
        return self._links.any_link(nodes, now_ns)

    def _must_identify(self, now_ns: int) -> bool:
        if self._sequences.may_send or self._is_identifying:
            return False
        if now_ns < self._identify_not_before_ns or self._traffic.under_way:
            return False
        return not self._accumulator.is_empty

    def _identify(self, link: NodeLink, now_ns: int) -> None:
        """Ask for a producer id, or for the next epoch of ours. Source: KIP-360."""
        self._is_identifying = True
        sequences = self._sequences
        request = InitProducerIdRequest(
            transaction_timeout_ms=60_000,
            producer_id=sequences.producer_id,
            producer_epoch=sequences.producer_epoch,
        )
        try:
            link.ask(ApiKey.INIT_PRODUCER_ID, request, self._identified, now_ns)
        except IncompatibleBroker as error:
            self._traffic.give_up(
                ProducerError(f"{error}, which idempotence needs: say idempotence=False")
            )
            self._is_identifying = False
            return
        self._links.flush(link)

    def _answered(self, link: NodeLink, exchange: Exchange, cursor: Cursor) -> None:
        try:
            if exchange.batches:
                self._traffic.answered(exchange, cursor, time.monotonic_ns())
            else:
                exchange.on_answer(exchange.header, cursor)
        except (ProtocolViolation, IncompatibleBroker) as error:
            log.warning("%s:%d: %s", link.node.host, link.node.port, error)
            if exchange.batches:
                self._traffic.lost(exchange, error, time.monotonic_ns())
            self._links.drop(link, error)

    def _metadata_told(self, header: RequestHeader, cursor: Cursor) -> None:
        flexible = APIS[ApiKey.METADATA].flexible(header.version)
        response = codec_of(MetadataResponse, header.version, flexible=flexible).read(cursor)
        self._metadata.answered(response, time.monotonic_ns())

    def _identified(self, header: RequestHeader, cursor: Cursor) -> None:
        self._is_identifying = False
        flexible = APIS[ApiKey.INIT_PRODUCER_ID].flexible(header.version)
        response = codec_of(InitProducerIdResponse, header.version, flexible=flexible).read(cursor)
        code = response.error_code
        if code == ErrorCode.NONE:
            self._traffic.restart_sequences(response.producer_id, response.producer_epoch)
        elif code in RETRIABLE_CODES:
            pause_ns = self._config.retry_backoff_ms * 1_000_000
            self._identify_not_before_ns = time.monotonic_ns() + pause_ns
        elif self._sequences.producer_id >= 0:
            self._sequences.producer_id = self._sequences.producer_epoch = -1
        else:
            self._traffic.give_up(
                ProducerError(f"no producer id: the broker answered {named(code)}")
            )

    def _timeout_s(self, ready: Ready, now_ns: int) -> float | None:
        """How long there is nothing to do; None if only a caller or an answer can change that."""
        moments = [
            ready.next_check_ns,
            self._metadata.due_ns(),
            self._traffic.next_expiry_ns(),
            self._handing_over.deadline_ns(tuple(self._intakes.values())),
            self._close_deadline_ns,
            self._links.next_open_ns(),
            self._identify_not_before_ns,
        ]
        limit_ns = self._config.request_timeout_ms * 1_000_000
        for link in self._links.all:
            since_ns = link.waiting_since_ns()
            moments.append(None if since_ns is None else since_ns + limit_ns)
        # What is due already was tried in this turn, and waits for something else.
        known = [moment for moment in moments if moment is not None and moment > now_ns]
        return min(_LONGEST_SLEEP_S, (min(known) - now_ns) / 1e9) if known else None

    def _end(self) -> None:
        """Fail what is left, free everything, let everybody go."""
        error = ProducerClosed("the producer was closed before the record was acknowledged")
        self._memory.close()
        if self._config.effective_acks == 0:
            limit_ns = time.monotonic_ns() + self._config.request_timeout_ms * 1_000_000
            self._links.end_stream(min(limit_ns, self._close_deadline_ns or 0))
        self._links.close()
        self._traffic.give_up(error)
        self.fail_handed(error)
        while self._flushes:
            self._flushes.popleft().done.set()

    def fail_handed(self, error: Exception) -> None:
        """Give up what was never taken over; also for what came while the thread ended."""
        intakes = tuple(self._intakes.values())
        self._handing_over.fail_all(intakes, error)
        self._memory.reclaim(intakes)
        self._finished.tell()
