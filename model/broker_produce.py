"""The broker's side of produce requests: appends, flush policy, rolls and retention."""

from collections.abc import Iterator
from itertools import count

from iowitness.model.block_io import Waiting
from iowitness.model.broker_load import BrokerLoad
from iowitness.model.broker_log import StoredSegment
from iowitness.model.broker_requests import BrokerLog, Member, ProduceCall, StoredBatch
from iowitness.model.broker_threads import ServerThreads
from iowitness.model.machine import Machine
from iowitness.model.recorder import Thread

_RETENTION_CHECK_NS = 300_000_000_000  # log.retention.check.interval.ms
_LEAST_LINGERING_NS = 5_000_000_000


class ProduceHandler:
    """The logs, and what is appended to them. Counts are of the whole run.

    `woken` are members whose waiting fetches now have enough; who calls answers them.
    """

    def __init__(self, machine: Machine, load: BrokerLoad, threads: ServerThreads) -> None:
        self._env = machine.env
        self._machine = machine
        self._storage = load.storage
        self._threads = threads
        self._file_ids: Iterator[int] = count(1)
        self.logs = [
            BrokerLog(self._env, load.storage, machine.cache, self._file_ids)
            for _ in range(load.storage.partition_count)
        ]
        self.woken: list[Member] = []
        self.request_count = self.batch_count = self.sync_count = self.roll_count = 0
        self.stored_byte_count = self.deleted_byte_count = 0
        if load.storage.flush_interval_ns is not None:
            self._env.process(self._flushed_by_interval(load.storage.flush_interval_ns))
        self._env.process(self._absorbed_now_and_then())
        self._env.process(self._retained_now_and_then())

    def arrived(self, call: ProduceCall) -> None:
        """A produce request has arrived."""
        threads = self._threads
        work_ns = threads.costs.store_ns(call.byte_count, call.plain_byte_count, call.batch_count)

        def begun(thread: Thread, begin_ns: int) -> None:
            done_ns = threads.worked(call.number, begin_ns, work_ns)
            threads.at(done_ns, lambda _: self._store(call, thread))

        threads.arrived(call.number, call.byte_count, begun)

    def _store(self, call: ProduceCall, thread: Thread) -> None:
        """The processor's part is done: append, unless something makes the thread wait."""
        if self._storage.flush_record_count is not None or any(
            batch.log.lock.count for batch in call.batches
        ):
            self._env.process(self._stored_slowly(call, thread))
            return
        dirtied = 0
        for batch in call.batches:
            dirtied += self._append(batch)
        if dirtied and not self._machine.write_back.runs_free(dirtied):
            self._env.process(self._throttled(call, thread, dirtied))
        else:
            thread.paused_ns = int(self._env.now)
            self._done(call, thread)

    def _throttled(self, call: ProduceCall, thread: Thread, dirtied: int) -> Waiting:
        yield from self._machine.write_back.paused(thread, dirtied)
        self._done(call, thread)

    def _stored_slowly(self, call: ProduceCall, thread: Thread) -> Waiting:
        """Append partition by partition under its lock, with an fsync where the policy says so."""
        most = self._storage.flush_record_count
        for batch in call.batches:
            log = batch.log
            with log.lock.request() as locked:
                yield locked
                dirtied = self._append(batch)
                if most is not None and log.unsynced_record_count >= most:
                    dirtied += log.absorb(int(self._env.now))
                    yield from self._synced(log, log.active)
                yield from self._machine.write_back.balanced(thread, dirtied)
        self._done(call, thread)

    def _append(self, batch: StoredBatch) -> int:
        """Put it into the log; returns what the page cache was told of."""
        log, now_ns = batch.log, int(self._env.now)
        before = log.cached_end
        closed = log.append(batch.byte_count, batch.record_count, now_ns)
        if closed is not None:
            self.roll_count += 1
            self._env.process(self._synced(log, closed))
            self._retain(log)
        self.stored_byte_count += batch.byte_count
        end = log.end
        for reader in log.readers:
            reader.unread.append((end, batch))
            member = reader.member
            member.available += batch.byte_count
            member.ready[reader] = None
            if member.waiting_since_ns is not None:
                self.woken.append(member)
        if log.has_step:
            log.absorb(now_ns)
        return log.cached_end - before

    def _done(self, call: ProduceCall, thread: Thread) -> None:
        self._threads.release(call.number, thread)
        self.request_count += 1
        self.batch_count += call.batch_count
        self._threads.answer(call.number, call.answered)
        if self.woken:
            woken, self.woken = self.woken, []
            for member in woken:
                member.data_came()

    def _synced(self, log: BrokerLog, segment: StoredSegment) -> Waiting:
        """An fsync of a segment and of its indexes, where they are dirty.

        A rolled segment is synced by a background thread (Kafka's `flush-log`).
        """
        log.unsynced_record_count = 0
        for file_id in log.dirty_files(segment):
            yield from self._machine.write_back.synced(file_id)
            self.sync_count += 1
            self._machine.ledger.mode_switch_count += 2

    def _flushed_by_interval(self, interval_ns: int) -> Waiting:
        while True:
            yield self._env.timeout(interval_ns)
            for log in self.logs:
                self._machine.write_back.runs_free(log.absorb(int(self._env.now)))
                yield from self._synced(log, log.active)

    def _absorbed_now_and_then(self) -> Waiting:
        """What a quiet partition holds back reaches the page cache before it could expire."""
        while True:
            yield self._env.timeout(_LEAST_LINGERING_NS)
            for log in self.logs:
                self._machine.write_back.runs_free(log.absorb(int(self._env.now)))

    def _retained_now_and_then(self) -> Waiting:
        while True:
            yield self._env.timeout(_RETENTION_CHECK_NS)
            for log in self.logs:
                self._retain(log)

    def _retain(self, log: BrokerLog) -> None:
        """Delete what retention no longer keeps; readers that stood there go on after it."""
        for segment in log.expired(int(self._env.now)):
            self.deleted_byte_count += segment.byte_count
            for file_id in segment.file_ids:
                self._machine.write_back.forget(file_id)
        for reader in log.readers:
            if reader.position < log.start:
                reader.member.available -= log.start - reader.position
                reader.position = reader.touched = log.start
