"""The broker's threads, cores and network card in time.

Work that nothing blocks is computed: its end is known when it begins. Only what waits for the disk
holds a thread meanwhile, as Kafka's network threads are held in `sendfile` by cold pages.
"""

from collections import deque
from collections.abc import Callable

import simpy

from iowitness.model.broker_costs import ANSWER_BYTE_COUNT, BrokerCosts
from iowitness.model.broker_load import BrokerLoad
from iowitness.model.machine import Machine
from iowitness.model.recorder import Thread
from iowitness.model.worker_pool import Cores, Job, Line, WorkerPool


class NetworkThread:
    """One network thread: computed while nothing blocks it, a queue while something does."""

    __slots__ = ("_cores", "_env", "_held", "_waiting", "busy_ns", "free_ns", "thread")

    def __init__(self, env: simpy.Environment, cores: Cores, thread: Thread) -> None:
        self._env = env
        self._cores = cores
        self._held = False
        self._waiting: deque[Callable[[], None]] = deque()
        self.thread = thread
        self.free_ns = 0
        self.busy_ns = 0

    def run(self, ready_ns: int, work_ns: int) -> int:
        """When work that may begin at a time is done."""
        done_ns = self._cores.run(max(ready_ns, self.free_ns), work_ns)
        self.busy_ns += work_ns
        self.free_ns = done_ns
        return done_ns

    def when_free(self, job: Callable[[], None]) -> None:
        """Do something as soon as nothing blocks the thread."""
        if self._held:
            self._waiting.append(job)
        else:
            job()

    def held(self) -> simpy.Event:
        """The event at which the thread is the asker's alone, until `release`."""
        mine = self._env.event()

        def take() -> None:
            self._held = True
            mine.succeed()

        self.when_free(take)
        return mine

    def release(self, blocked_ns: int) -> None:
        """It was blocked for so long; what has waited goes on."""
        self.busy_ns += blocked_ns
        self._held = False
        self.free_ns = max(self.free_ns, int(self._env.now))
        while self._waiting and not self._held:
            self._waiting.popleft()()


class ServerThreads:
    """All threads of the broker. Connections have numbers; each belongs to one network thread.

    Without request threads the network threads do the requests' work too.
    """

    def __init__(self, machine: Machine, load: BrokerLoad, cores: Cores) -> None:
        self._env = machine.env
        self._machine = machine
        self._cores = cores
        self._own_requests = load.threads.request_count > 0
        link = machine.hardware.link
        self.latency_ns = link.latency_ns
        self.costs = BrokerCosts(machine.hardware.processor, link.gather, load, machine.ledger)
        self.line_in, self.line_out = Line(link.bytes_per_s), Line(link.bytes_per_s)
        self._network = [
            NetworkThread(self._env, cores, self.thread())
            for _ in range(load.threads.network_count)
        ]
        if self._own_requests:
            own = [self.thread() for _ in range(load.threads.request_count)]
            self._pools = [WorkerPool(self._env, own)]
        else:
            self._pools = [WorkerPool(self._env, [one.thread]) for one in self._network]

    def thread(self) -> Thread:
        """A new thread of the broker."""
        return self._machine.recorder.process("broker", None, 0)

    def network(self, number: int) -> NetworkThread:
        """The network thread of a connection."""
        return self._network[number % len(self._network)]

    def spent(self, work_ns: int) -> int:
        """Count processor time."""
        self._machine.ledger.cpu_ns["broker"] += work_ns
        return work_ns

    def at(self, time_ns: int, callback: Callable[[simpy.Event], None]) -> None:
        """Call back at a time, or now if it has passed, with an event that says nothing."""
        delay_ns = max(0, time_ns - int(self._env.now))
        simpy.Timeout(self._env, delay_ns).callbacks.append(callback)

    def arrived(self, number: int, byte_count: int, job: Job) -> None:
        """A request has arrived on a connection: it is received, and waits for a thread."""
        network = self.network(number)
        pool = self._pools[number % len(self._pools)]

        def receive() -> None:
            work_ns = self.spent(self.costs.receive_ns(byte_count))
            pool.submit(network.run(int(self._env.now), work_ns), job)

        network.when_free(receive)

    def worked(self, number: int, begin_ns: int, work_ns: int) -> int:
        """When a request's work that begins at a time is done."""
        if self._own_requests:
            return self._cores.run(begin_ns, self.spent(work_ns))
        return self.network(number).run(begin_ns, self.spent(work_ns))

    def release(self, number: int, thread: Thread) -> None:
        """The thread has done with a request of that connection."""
        self._pools[number % len(self._pools)].release(thread)

    def answer(self, number: int, callback: Callable[[simpy.Event], None]) -> None:
        """A short answer goes back; call when it is there."""
        network = self.network(number)

        def send() -> None:
            done_ns = network.run(int(self._env.now), self.spent(self.costs.answer_ns()))
            self.at(self.arrival_ns(done_ns, ANSWER_BYTE_COUNT), callback)

        network.when_free(send)

    def arrival_ns(self, ready_ns: int, byte_count: int) -> int:
        """When bytes that are ready to leave the broker have reached their client."""
        return self.line_out.sent_ns(ready_ns, byte_count) + self.latency_ns

    def utilisation(self, duration_ns: int) -> dict[str, float]:
        """Shares of a time for which threads were busy."""
        network_ns = sum(one.busy_ns for one in self._network)
        shares = {"network threads": network_ns / (len(self._network) * duration_ns)}
        if self._own_requests:
            pool = self._pools[0]
            shares["request threads"] = pool.busy_ns / (pool.thread_count * duration_ns)
        return shares

    def forget_busy(self) -> None:
        """Begin to count utilisation anew."""
        for network in self._network:
            network.busy_ns = 0
        for pool in self._pools:
            pool.busy_ns = 0
        self.line_in.busy_ns = self.line_out.busy_ns = self._cores.busy_ns = 0
