"""The traced process: forks a broker, and a producer or consumer for each step in turn."""

import os
from collections.abc import Callable
from pathlib import Path

from iowitness.real_run.child import Child, ChildFailed, Stopwatch
from iowitness.real_run.marks import mark, phase
from iowitness.real_run.roles import broker_body, consumer_body, producer_body
from iowitness.real_run.run_files import RunOrder, RunResult, StepResult
from iowitness.specs.workload import Consume, Produce, Restart, Step

_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 60.0
_STEP_LIMIT_S = 600.0


def step_names(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The phase of each step: its kind and its number among all steps, from 1 (`produce-1`)."""
    kinds = {Produce: "produce", Consume: "consume", Restart: "restart"}
    return tuple(f"{kinds[type(step)]}-{number}" for number, step in enumerate(steps, start=1))


class Driver:
    """Carries one order out. The broker runs across steps; each client lives for one step."""

    def __init__(self, order: RunOrder) -> None:
        self._order = order
        self._broker: Child | None = None
        self._port = order.port
        self._broker_cpu_s = 0.0

    def run(self) -> RunResult:
        """Run every step; `ChildFailed` if one of the processes does not end well."""
        Path(self._order.data_folder).mkdir(parents=True, exist_ok=True)
        mark("role", "driver")
        results: list[StepResult] = []
        try:
            self._start_broker()
            watch = Stopwatch()
            steps = self._order.workload.steps
            for name, step in zip(step_names(steps), steps, strict=True):
                with phase(name):
                    record_count = self._run_step(step)
                wall_s, cpu_s = watch.lap()
                results.append(
                    StepResult(name=name, wall_s=wall_s, cpu_s=cpu_s, record_count=record_count)
                )
            self._stop_broker()
        finally:
            if self._broker is not None:
                self._broker.__exit__(None, None, None)
        return RunResult(steps=tuple(results), broker_cpu_s=self._broker_cpu_s)

    def _run_step(self, step: Step) -> int:
        match step:
            case Produce():
                return self._run_client("producer", producer_body(self._order, step, self._port))
            case Consume():
                return self._run_client("consumer", consumer_body(self._order, step, self._port))
            case Restart():
                self._stop_broker()
                self._start_broker()
                return 0

    def _run_client(self, role: str, body: Callable[[], int]) -> int:
        """Fork a client, wait for it, and return the number of records it reports by a pipe."""
        reader, writer = os.pipe()

        def reporting() -> None:
            os.close(reader)
            os.write(writer, b"%d\n" % body())

        with Child(role, reporting) as client, os.fdopen(reader, "rb") as report:
            os.close(writer)
            client.wait(_STEP_LIMIT_S)
            return int(report.readline())

    def _start_broker(self) -> None:
        reader, writer = os.pipe()
        body = broker_body(self._order)

        def serving() -> None:
            os.close(reader)
            body(self._order.port, writer)

        self._broker = Child("broker", serving)
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            port_line = told.readline()
        if not port_line:  # it ended before it was listening
            self._broker.wait(_START_LIMIT_S)
            raise ChildFailed("broker", "stopped before it listened")
        self._port = int(port_line)

    def _stop_broker(self) -> None:
        assert self._broker is not None
        self._broker.terminate()
        self._broker.wait(_STOP_LIMIT_S)
        self._broker_cpu_s += self._broker.cpu_s
        self._broker = None
