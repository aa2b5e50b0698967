"""`simulate(what_if, seed) -> Prediction`: the whole machine, set going and written down."""

from collections.abc import Generator
from dataclasses import dataclass

import simpy

from iowitness.model.broker import Broker
from iowitness.model.clients import Consumer, Producer
from iowitness.model.figures import Figures, StepFigures
from iowitness.model.kernel import Kernel
from iowitness.model.machine import Machine
from iowitness.model.network import Network
from iowitness.model.recorder import Recorder, Thread
from iowitness.model.what_if import Consume, Produce, Restart, Step, WhatIf
from iowitness.traces.events import Synced, Transferred
from iowitness.traces.history import History

_KINDS: dict[type[Step], str] = {Produce: "produce", Consume: "consume", Restart: "restart"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What would happen: the events, and what they cost."""

    history: History
    figures: Figures


def simulate(what_if: WhatIf, seed: int = 0) -> Prediction:
    """Run a what-if. Equal what-ifs and seeds give equal predictions."""
    return _Run(what_if, seed).prediction()


class _Run:
    """One simulation from its start to its end."""

    def __init__(self, what_if: WhatIf, seed: int) -> None:
        self._what_if = what_if
        self._seed = seed
        self._env = simpy.Environment()
        self._recorder = Recorder()
        self._machine = Machine(self._env, what_if.hardware, self._recorder)
        self._kernel = Kernel(self._machine)
        self._network = Network(self._env, what_if.hardware.link, self._recorder)
        self._driver = self._recorder.process("driver", None, 0)
        self._broker = Broker(
            self._machine, self._kernel, self._network, what_if.log_policy, self._driver
        )
        self._request_count = 0
        self._steps: list[StepFigures] = []

    def prediction(self) -> Prediction:
        """Run all steps and add up."""
        self._env.run(self._env.process(self._drive()))
        notes = (f"hardware {self._what_if.hardware.name}", f"seed {self._seed}")
        history = self._recorder.history(("simulate",), notes)
        return Prediction(history=history, figures=self._figures(history))

    def _drive(self) -> Generator[simpy.Event, object, None]:
        for topic, partition_count in self._what_if.workload.partition_counts.items():
            yield from self._broker.create_topic(topic, partition_count)
        for number, step in enumerate(self._what_if.workload.steps, start=1):
            name = f"{_KINDS[type(step)]}-{number}"
            start_ns = self._machine.now_ns
            self._recorder.mark(self._driver, "begin", name, start_ns)
            record_count, byte_count = yield from self._carried_out(step)
            end_ns = self._machine.now_ns
            self._recorder.mark(self._driver, "end", name, end_ns)
            self._steps.append(
                StepFigures(
                    name=name,
                    duration_ns=end_ns - start_ns,
                    record_count=record_count,
                    byte_count=byte_count,
                )
            )
        yield from self._broker.stop()

    def _carried_out(self, step: Step) -> Generator[simpy.Event, object, tuple[int, int]]:
        """One step; returns the records and bytes that it moved."""
        if isinstance(step, Restart):
            yield from self._broker.restart()
            return 0, 0
        if isinstance(step, Consume):
            thread = self._client("consumer")
            consumer = Consumer(self._machine, self._kernel, self._network, self._broker, step)
            yield from consumer.run(thread)
            self._recorder.ended(thread, self._machine.now_ns)
            return consumer.record_count, consumer.byte_count
        thread = self._client("producer")
        producer = Producer(self._machine, self._kernel, self._network, self._broker, step)
        yield from producer.run(thread)
        self._recorder.ended(thread, self._machine.now_ns)
        # Without acknowledgements the producer ends before the broker has stored everything.
        self._request_count += producer.request_count
        yield from self._broker.served(self._request_count)
        return producer.record_count, producer.byte_count

    def _client(self, role: str) -> Thread:
        return self._recorder.process(role, self._driver, self._machine.now_ns)

    def _figures(self, history: History) -> Figures:
        machine, ledger = self._machine, self._machine.ledger
        produced = [
            figures
            for figures, step in zip(self._steps, self._what_if.workload.steps, strict=True)
            if isinstance(step, Produce)
        ]
        return Figures(
            steps=tuple(self._steps),
            produce_request_count=self._broker.produce_request_count,
            fetch_count=self._broker.fetch_count,
            record_count=sum(step.record_count for step in produced),
            sendfile_byte_count=sum(e.byte_count for e in history.of_kind(Transferred)),
            sync_count=sum(1 for _ in history.of_kind(Synced)),
            roll_count=self._broker.roll_count,
            seek_count=machine.block_io.device.seek_count,
            device_read_byte_count=ledger.dma_byte_counts["disk read"],
            device_write_byte_count=ledger.dma_byte_counts["disk write"],
            mode_switch_count=ledger.mode_switch_count,
            context_switch_count=ledger.context_switch_count,
            page_cache_hit_byte_count=machine.cache.hit_byte_count,
            page_cache_miss_byte_count=machine.cache.miss_byte_count,
            cpu_copied_byte_counts=dict(ledger.cpu_copied_byte_counts),
            dma_byte_counts=dict(ledger.dma_byte_counts),
            cpu_ns=dict(ledger.cpu_ns),
        )
