"""Producers and group members at broker scale: batches by arrival process, fetches in a loop.

A producer's caller fills batches, its sender sends them; an event stands for a request, never for a
record. Latency counts from the record's arrival, so that a producer that falls behind shows it.
Source: Kafka's `RecordAccumulator` and `Sender`; KIP-480 and KIP-794 for the sticky spread.
"""

from collections import deque
from random import Random

import simpy

from iowitness.model.arrival_times import ArrivalTimes, Span
from iowitness.model.broker_costs import FETCH_REQUEST_BYTE_COUNT, BrokerCosts
from iowitness.model.broker_fetch import FetchHandler
from iowitness.model.broker_load import BrokerLoad, ConsumerLoad
from iowitness.model.broker_produce import ProduceHandler
from iowitness.model.broker_requests import BrokerLog, ProduceCall, Reader, StoredBatch
from iowitness.model.broker_threads import ServerThreads
from iowitness.model.latency_histogram import LatencyHistogram
from iowitness.model.machine import Machine
from iowitness.model.worker_pool import Cores

BATCH_HEAD_BYTE_COUNT = 61
RECORD_HEAD_BYTE_COUNT = 10
"""Varint length, attributes, deltas, key and value lengths and header count of a record of 1 kB."""

_REQUEST_HEAD_BYTE_COUNT = 100
_SECOND_NS = 1_000_000_000


class BrokerProducer:
    """One producer. Counts are of records that arrived at it and that were acknowledged."""

    def __init__(
        self,
        machine: Machine,
        load: BrokerLoad,
        threads: ServerThreads,
        handler: ProduceHandler,
        latency: LatencyHistogram,
        draws: Random,
        number: int,
        cores: Cores,
    ) -> None:
        self._env = machine.env
        self._ledger = machine.ledger
        self._load = load.producers
        self._threads = threads
        self._handler = handler
        self._latency = latency
        self._link_latency_ns = machine.hardware.link.latency_ns
        self._timer_late_ns = machine.hardware.processor.timer_late_ns
        self._draws = draws
        self._number = number
        self._cores = cores
        self._arrivals = ArrivalTimes(load.producers.arrivals, load.producers.count, draws)
        self._record_byte_count = load.producers.sizes.mean_byte_count + RECORD_HEAD_BYTE_COUNT
        self._per_batch = max(
            1,
            int(
                (load.producers.batch_size_byte_count - BATCH_HEAD_BYTE_COUNT)
                // self._record_byte_count
            ),
        )
        self._next_partition = number % load.storage.partition_count
        self._queue: deque[Span] = deque()
        self._in_flight = 0
        self._in_flight_limit = (
            1 if load.producers.threads == "one" else load.producers.max_in_flight
        )
        self._caller_free_ns = self._sender_free_ns = 0
        self.caller_busy_ns = 0
        self.arrived_record_count = self.acknowledged_record_count = 0
        self.sent_byte_count = self.plain_byte_count = 0
        self._await_batch()

    @property
    def unsent_record_count(self) -> int:
        """Records that wait because too many requests are under way."""
        return sum(span.count for span in self._queue)

    def offered_record_count(self, time_ns: int) -> float:
        """How many records its application has for it by a time, on average."""
        return self._arrivals.mean_count(time_ns)

    def forget_busy(self) -> None:
        """Begin to count anew how busy the caller is."""
        self.caller_busy_ns = 0

    @property
    def _batch_limit(self) -> int:
        """How many batches fit a request; with a sticky spread one partition's are ready at once.

        When requests have to wait, batches of other partitions become ready meanwhile.
        """
        own = self._load.batch_size_byte_count
        return max(1, min(len(self._handler.logs), self._load.request_byte_count // own))

    def _await_batch(self) -> None:
        """The next batches become ready: by size or by linger, and not before they are filled."""
        load = self._load
        keyed = len(self._handler.logs) if load.spread == "keyed" else 1
        full = self._per_batch * min(keyed, self._batch_limit)
        linger_ns = load.linger_ns + self._timer_late_ns if load.linger_ns else 0
        span = self._arrivals.batch(full, linger_ns)
        ready_ns = self._filled_ns(span)
        if span.count == full > 1:
            # That it is full shows when the next record does not fit (`isFull`), if not by linger.
            noticed_ns = self._noticed_ns(span)
            ready_ns = max(ready_ns, min(noticed_ns, span.first_ns + linger_ns))
        self._threads.at(ready_ns, lambda _: self._ready(span))

    def _noticed_ns(self, span: Span) -> int:
        """When the sender sees that a batch is full: at the next record, or at its next look."""
        look = self._load.look_record_count
        if not look:
            return self._arrivals.next_ns
        wait_count = -(self.arrived_record_count + 1) % look
        gap_ns = (span.last_ns - span.first_ns) // (span.count - 1)
        return self._arrivals.next_ns + wait_count * gap_ns

    def _filled_ns(self, span: Span) -> int:
        """When the caller has appended a span's records, which it does as they come."""
        self.arrived_record_count += span.count
        plain = round(span.count * self._load.sizes.mean_byte_count)
        work_ns = self._threads.costs.fill_ns(span.count, plain)
        self._ledger.cpu_ns["producer"] += work_ns
        self.caller_busy_ns += work_ns
        begin_ns = max(span.first_ns, self._caller_free_ns)
        done_ns = self._cores.run(begin_ns, work_ns)
        self._caller_free_ns = done_ns
        return max(span.last_ns, span.ready_ns, done_ns)

    def _ready(self, span: Span) -> None:
        self._queue.append(span)
        if self._in_flight < self._in_flight_limit:
            self._send()
            self._await_batch()

    def _acknowledged(self, sent: list[Span]) -> None:
        """An answer has come: count latencies, and send what has gathered."""
        self._count(sent, int(self._env.now))
        self._in_flight -= 1
        if self._load.threads == "one":
            self._caller_free_ns = max(self._caller_free_ns, int(self._env.now))
        if not self._queue:
            return
        # It was full: what arrived meanwhile is appended now, and may go out with the rest.
        gathered = self._arrivals.until(int(self._env.now))
        if gathered is not None:
            filled_ns = self._filled_ns(gathered)
            if filled_ns > int(self._env.now):
                self._threads.at(filled_ns, lambda _: self._gathered(gathered))
                return
            self._queue.append(gathered)
        self._gathered(None)

    def _gathered(self, span: Span | None) -> None:
        if span is not None:
            self._queue.append(span)
        if self._in_flight < self._in_flight_limit and self._queue:
            self._send()
        if not self._queue:
            self._await_batch()

    def _send(self) -> None:
        """One request: as many records as fit, the oldest first."""
        room = self._per_batch * self._batch_limit
        sent: list[Span] = []
        while self._queue and room > 0:
            span = self._queue[0] if self._queue[0].count > room else self._queue.popleft()
            taken = span.split(room) if span.count > room else span
            room -= taken.count
            sent.append(taken)
        call = self._call(sent)
        self._in_flight += 1
        work_ns = self._threads.costs.send_ns(call.byte_count)
        self._ledger.cpu_ns["producer"] += work_ns
        begin_ns = max(int(self._env.now), self._sender_free_ns)
        self._sender_free_ns = self._cores.run(begin_ns, work_ns)
        left_ns = self._threads.line_in.sent_ns(self._sender_free_ns, call.byte_count)
        self._threads.at(left_ns + self._link_latency_ns, lambda _: self._handler.arrived(call))
        if self._load.acks == 0:
            self._threads.at(left_ns, lambda _: self._acknowledged(sent))

    def _call(self, sent: list[Span]) -> ProduceCall:
        """Records into batches into partitions."""
        count = sum(span.count for span in sent)
        logs = self._handler.logs
        first_ns, last_ns = sent[0].first_ns, sent[-1].last_ns
        batch_count = -(-count // self._per_batch)
        if self._load.spread == "keyed":
            batch_count = min(count, max(batch_count, len(logs)))
        plain = self._plain_byte_count(count)
        ratio = self._load.compression.ratio if self._load.compression else 1.0
        total = round(plain * ratio) + BATCH_HEAD_BYTE_COUNT * batch_count
        batches, records_left, bytes_left = [], count, total
        for left in range(batch_count, 0, -1):
            records, byte_count = records_left // left, bytes_left // left
            log = self._partition()
            batches.append(StoredBatch(log, records, byte_count, first_ns, last_ns))
            records_left -= records
            bytes_left -= byte_count
        self.sent_byte_count += total
        self.plain_byte_count += plain
        acknowledge = self._load.acks != 0
        return ProduceCall(
            self._number,
            batches,
            batch_count,
            total + _REQUEST_HEAD_BYTE_COUNT,
            plain,
            (lambda _: self._acknowledged(sent)) if acknowledge else _nobody,
        )

    def _partition(self) -> BrokerLog:
        """The partition of the next batch: in turn, which is what both spreads come to."""
        logs = self._handler.logs
        log = logs[self._next_partition]
        self._next_partition = (self._next_partition + 1) % len(logs)
        return log

    def _plain_byte_count(self, count: int) -> int:
        """Bytes of so many records; a sum of exponential sizes is a gamma variate."""
        sizes = self._load.sizes
        if sizes.kind == "constant":
            return round(count * self._record_byte_count)
        content = self._draws.gammavariate(count, sizes.mean_byte_count)
        return max(count, round(content)) + count * RECORD_HEAD_BYTE_COUNT

    def _count(self, sent: list[Span], now_ns: int) -> None:
        for span in sent:
            self.acknowledged_record_count += span.count
            self._latency.add_evenly(now_ns - span.last_ns, now_ns - span.first_ns, span.count)


def _nobody(_: simpy.Event) -> None:
    """An answer that nobody waits for."""


class GroupMember:
    """One consumer: it asks, waits for the answer, works it off, and asks again."""

    def __init__(
        self,
        machine: Machine,
        load: ConsumerLoad,
        threads: ServerThreads,
        handler: FetchHandler,
        number: int,
        cores: Cores,
        plain_per_stored: float,
        latencies: tuple[LatencyHistogram, LatencyHistogram],
    ) -> None:
        self._env = machine.env
        self._ledger = machine.ledger
        self._threads = threads
        self._handler = handler
        self._costs: BrokerCosts = threads.costs
        self._cores = cores
        self._plain_per_stored = plain_per_stored
        self._link_latency_ns = machine.hardware.link.latency_ns
        self._rate = None if load.rate_bytes_per_s is None else load.rate_bytes_per_s / load.count
        self._max_wait_ns = load.fetch_max_wait_ns
        self._fetch_latency, self._end_to_end = latencies
        self._asked_ns = self._free_ns = 0
        self._timed = False
        self.number = number
        self.available = 0
        self.waiting_since_ns: int | None = None
        self.ready: dict[Reader, None] = {}
        self.readers: list[Reader] = []
        self.fetch_min_byte_count = load.fetch_min_byte_count
        self.partition_fetch_byte_count = load.partition_fetch_byte_count
        self.fetch_byte_count = load.fetch_byte_count
        self.answer_count = 0
        self.received_byte_count = 0

    def joined(self, log: BrokerLog, lag_byte_count: int) -> None:
        """Take a partition over, so far behind its end."""
        position = max(log.start, log.end - lag_byte_count)
        reader = Reader(self, log, position)
        log.readers.append(reader)
        self.readers.append(reader)
        if position < log.end:
            self.available += log.end - position
            self.ready[reader] = None

    def ask(self, at_ns: int) -> None:
        """Send a fetch at a time that may lie ahead."""
        self._asked_ns = at_ns
        work_ns = self._costs.ask_ns()
        self._ledger.cpu_ns["consumer"] += work_ns
        left_ns = self._cores.run(at_ns, work_ns)
        arrival_ns = left_ns + self._link_latency_ns
        self._threads.line_in.byte_count += FETCH_REQUEST_BYTE_COUNT
        self._threads.at(arrival_ns, self._asked)

    def _asked(self, _: simpy.Event) -> None:
        self._handler.arrived(self)
        if not self._timed:
            self._timed = True
            self._threads.at(int(self._env.now) + self._max_wait_ns, self._timeout)

    def _timeout(self, _: simpy.Event) -> None:
        """A fetch that has waited long enough is answered with what there is."""
        self._timed = False
        since_ns = self.waiting_since_ns
        if since_ns is None:
            return
        left_ns = since_ns + self._max_wait_ns - int(self._env.now)
        if left_ns > 0:
            self._timed = True
            self._threads.at(int(self._env.now) + left_ns, self._timeout)
        else:
            self._handler.answer(self)

    def data_came(self) -> None:
        """Something was appended; answer the waiting fetch if it is enough."""
        if self.waiting_since_ns is not None and self.available >= self.fetch_min_byte_count:
            self._handler.answer(self)

    def answered(self, arrival_ns: int, byte_count: int, readers: list[Reader]) -> None:
        """An answer will arrive: count it, work it off, ask again."""
        self.answer_count += 1
        self.received_byte_count += byte_count
        self._fetch_latency.add(arrival_ns - self._asked_ns)
        self._count(readers, arrival_ns)
        work_ns = self._costs.take_ns(byte_count, round(byte_count * self._plain_per_stored))
        self._ledger.cpu_ns["consumer"] += work_ns
        done_ns = self._cores.run(max(arrival_ns, self._free_ns), work_ns)
        if self._rate is not None:
            # It works evenly: each byte takes its time, and the next is asked for after it.
            done_ns = max(
                done_ns, max(arrival_ns, self._free_ns) + int(byte_count * 1e9 / self._rate)
            )
        self._free_ns = done_ns
        self.ask(done_ns)

    def _count(self, readers: list[Reader], arrival_ns: int) -> None:
        """Count the latencies of what is new; batches of one request came over the same time."""
        latency = self._end_to_end
        first_ns = last_ns = records = 0
        for reader in readers:
            unread, position = reader.unread, reader.position
            while unread and unread[0][0] <= position:
                batch = unread.popleft()[1]
                if records and (batch.first_ns != first_ns or batch.last_ns != last_ns):
                    latency.add_evenly(arrival_ns - last_ns, arrival_ns - first_ns, records)
                    records = 0
                first_ns, last_ns = batch.first_ns, batch.last_ns
                records += batch.record_count
        if records:
            latency.add_evenly(arrival_ns - last_ns, arrival_ns - first_ns, records)
