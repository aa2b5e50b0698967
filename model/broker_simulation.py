"""`simulate_broker(hardware, load, seed) -> BrokerFigures`: hours of a loaded broker in seconds.

Events are requests and device transfers, never records. The disk, the page cache, write-back and
its throttling are the same parts as in `simulate`; here no history is kept, so that memory does not
grow with the bytes that go through.
"""

from itertools import count

import simpy

from iowitness.model.block_io import Waiting
from iowitness.model.broker_clients import BrokerProducer, GroupMember
from iowitness.model.broker_fetch import FetchHandler
from iowitness.model.broker_figures import BrokerFigures, GroupFigures, Sample
from iowitness.model.broker_load import BrokerLoad, ConsumerLoad
from iowitness.model.broker_produce import ProduceHandler
from iowitness.model.broker_threads import ServerThreads
from iowitness.model.hardware import Hardware
from iowitness.model.latency_histogram import LatencyHistogram
from iowitness.model.machine import Machine
from iowitness.model.recorder import Recorder
from iowitness.model.seeded_random import stream
from iowitness.model.worker_pool import Cores


def simulate_broker(hardware: Hardware, load: BrokerLoad, seed: int = 0) -> BrokerFigures:
    """Run a load on hardware. Equal arguments give equal figures."""
    if not 0 <= load.warm_up_ns < load.duration_ns:
        raise ValueError(
            f"warm_up_ns={load.warm_up_ns}, expected 0 to below duration_ns={load.duration_ns}"
        )
    return _BrokerRun(hardware, load, seed).figures()


class _Group:
    """A consumer group in time."""

    def __init__(self, load: ConsumerLoad, members: list[GroupMember]) -> None:
        self.load = load
        self.members = members
        self.end_to_end = LatencyHistogram()
        self.received_before = 0

    @property
    def position(self) -> int:
        """The sum of its readers' positions."""
        return sum(reader.position for one in self.members for reader in one.readers)

    @property
    def received_byte_count(self) -> int:
        """What its members were sent."""
        return sum(one.received_byte_count for one in self.members)


class _BrokerRun:
    """One simulation from its start to its end."""

    def __init__(self, hardware: Hardware, load: BrokerLoad, seed: int) -> None:
        self._hardware = hardware
        self._load = load
        self._seed = seed
        self._env = simpy.Environment()
        self._machine = Machine(self._env, hardware, Recorder())
        self._cores = Cores(hardware.processor.core_count)
        self._threads = ServerThreads(self._machine, load, self._cores)
        self._produce = ProduceHandler(self._machine, load, self._threads)
        self._fetch = FetchHandler(self._machine, load, self._threads)
        self._produce_latency, self._fetch_latency = LatencyHistogram(), LatencyHistogram()
        self._numbers = count()
        self._fill_logs()
        self._producers = [self._producer(k) for k in range(load.producers.count)]
        self._groups = [self._group(one) for one in load.consumers]
        self._samples: list[Sample] = []
        self._device_busy_before_ns = 0
        self._acknowledged_before = self._plain_before = self._stored_before = 0

    def figures(self) -> BrokerFigures:
        """Run it, and add up."""
        load = self._load
        self._env.process(self._sampled())
        for group in self._groups:
            for member in group.members:
                member.ask(0)
        if load.warm_up_ns:
            self._env.run(load.warm_up_ns)
            self._begin_to_measure()
        self._env.run(load.duration_ns)
        self._sample(load.duration_ns)
        return self._added_up()

    def _fill_logs(self) -> None:
        """What was stored before the start is on the disk; its newest part is in memory."""
        logs, cache = self._produce.logs, self._machine.cache
        for log in logs:
            log.filled(self._load.storage.stored_byte_count // len(logs))
        for segments in zip(*(list(log.segments) for log in logs), strict=True):
            for segment in segments:
                self._machine.block_io.allocate(segment.file_id, segment.byte_count)
        warm = int(cache.free_byte_count * (1 - self._hardware.memory.reserve_ratio)) // len(logs)
        for ranges in zip(*(log.cached(warm) for log in logs), strict=True):
            for one in ranges:
                cache.fill(one)

    def _client_cores(self) -> Cores:
        return self._cores if self._load.client_cores == "shared" else Cores(1)

    def _producer(self, number: int) -> BrokerProducer:
        return BrokerProducer(
            self._machine,
            self._load,
            self._threads,
            self._produce,
            self._produce_latency,
            stream(self._seed, f"producer-{number}"),
            next(self._numbers),
            self._client_cores(),
        )

    def _group(self, load: ConsumerLoad) -> _Group:
        compression = self._load.producers.compression
        group = _Group(load, [])
        for _ in range(load.count):
            group.members.append(
                GroupMember(
                    self._machine,
                    load,
                    self._threads,
                    self._fetch,
                    next(self._numbers),
                    self._client_cores(),
                    1 / compression.ratio if compression else 0.0,
                    (self._fetch_latency, group.end_to_end),
                )
            )
        logs = self._produce.logs
        for number, log in enumerate(logs):
            member = group.members[number % load.count]
            member.joined(log, load.start_lag_byte_count // len(logs))
        return group

    def _sampled(self) -> Waiting:
        """Look at the state now and then."""
        load = self._load
        for number in range(load.sample_count):
            due_ns = load.duration_ns * number // load.sample_count
            yield self._env.timeout(due_ns - int(self._env.now))
            self._sample(due_ns)

    def _sample(self, time_ns: int) -> None:
        cache = self._machine.cache
        self._samples.append(
            Sample(
                time_ns=time_ns,
                log_end_byte_count=sum(log.end for log in self._produce.logs),
                read_byte_counts=tuple(group.position for group in self._groups),
                cached_byte_count=cache.resident_byte_count,
                dirty_byte_count=cache.dirty_byte_count,
                unsent_record_count=sum(one.unsent_record_count for one in self._producers),
            )
        )

    def _acknowledged(self) -> int:
        return sum(one.acknowledged_record_count for one in self._producers)

    def _plain(self) -> int:
        return sum(one.plain_byte_count for one in self._producers)

    def _begin_to_measure(self) -> None:
        """The warm-up is over."""
        for histogram in (
            self._produce_latency,
            self._fetch_latency,
            *(group.end_to_end for group in self._groups),
        ):
            histogram.clear()
        for group in self._groups:
            group.received_before = group.received_byte_count
        for producer in self._producers:
            producer.forget_busy()
        self._threads.forget_busy()
        self._acknowledged_before, self._plain_before = self._acknowledged(), self._plain()
        self._stored_before = self._produce.stored_byte_count
        self._device_busy_before_ns = self._machine.block_io.busy_ns

    def _utilisation(self, measured_ns: int) -> dict[str, float]:
        processor, threads = self._hardware.processor, self._threads
        disk_ns = self._machine.block_io.busy_ns - self._device_busy_before_ns
        callers_ns = sum(one.caller_busy_ns for one in self._producers)
        shares = {
            "disk": disk_ns / measured_ns,
            "network in": threads.line_in.busy_ns / measured_ns,
            "network out": threads.line_out.busy_ns / measured_ns,
            "cores": self._cores.busy_ns / (processor.core_count * measured_ns),
            "producer callers": callers_ns / (len(self._producers) * measured_ns),
            **threads.utilisation(measured_ns),
        }
        return {name: min(1.0, share) for name, share in shares.items()}

    def _group_figures(self, group: _Group, seconds: float) -> GroupFigures:
        end = sum(log.end for log in self._produce.logs)
        return GroupFigures(
            name=group.load.name,
            fetch_count=sum(one.answer_count for one in group.members),
            delivered_byte_count=group.received_byte_count,
            bytes_per_s=(group.received_byte_count - group.received_before) / seconds,
            final_lag_byte_count=end - group.position,
            end_to_end_latency=group.end_to_end,
        )

    def _added_up(self) -> BrokerFigures:
        load, machine, produce = self._load, self._machine, self._produce
        ledger, cache = machine.ledger, machine.cache
        measured_ns = load.duration_ns - load.warm_up_ns
        seconds = measured_ns / 1e9
        acknowledged = self._acknowledged()
        dma = {
            "network in": self._threads.line_in.byte_count,
            "network out": self._threads.line_out.byte_count,
            **ledger.dma_byte_counts,
        }
        return BrokerFigures(
            duration_ns=load.duration_ns,
            seed=self._seed,
            offered_record_count=round(
                sum(one.offered_record_count(load.duration_ns) for one in self._producers)
            ),
            acknowledged_record_count=acknowledged,
            records_per_s=(acknowledged - self._acknowledged_before) / seconds,
            plain_bytes_per_s=(self._plain() - self._plain_before) / seconds,
            stored_bytes_per_s=(produce.stored_byte_count - self._stored_before) / seconds,
            produce_latency=self._produce_latency,
            fetch_latency=self._fetch_latency,
            groups=tuple(self._group_figures(group, seconds) for group in self._groups),
            utilisation=self._utilisation(measured_ns),
            produce_request_count=produce.request_count,
            batch_count=produce.batch_count,
            fetch_count=self._fetch.answer_count,
            sync_count=produce.sync_count,
            roll_count=produce.roll_count,
            seek_count=machine.block_io.device.seek_count,
            sent_byte_count=sum(one.sent_byte_count for one in self._producers),
            stored_byte_count=produce.stored_byte_count,
            deleted_byte_count=produce.deleted_byte_count,
            log_byte_count=sum(log.end - log.start for log in produce.logs),
            delivered_byte_count=self._fetch.delivered_byte_count,
            page_cache_hit_byte_count=cache.hit_byte_count,
            page_cache_miss_byte_count=cache.miss_byte_count,
            resident_byte_count=cache.resident_byte_count,
            dirty_byte_count=cache.dirty_byte_count,
            device_read_byte_count=ledger.dma_byte_counts["disk read"],
            device_write_byte_count=ledger.dma_byte_counts["disk write"],
            cpu_copied_byte_counts=dict(ledger.cpu_copied_byte_counts),
            dma_byte_counts=dma,
            cpu_ns=dict(ledger.cpu_ns),
            mode_switch_count=ledger.mode_switch_count,
            context_switch_count=ledger.context_switch_count,
            samples=tuple(self._samples),
        )
