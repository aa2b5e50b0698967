"""A run as `verify` sees it, made by hand: histories of both worlds and the raw trace of one.

It has what a report must show: a driver, a broker that is started twice, a producer with a sender
thread, a consumer; two partitions of several segments; roll, index, sync, request and response;
and, on request, a broker that copies or that writes where it should not.
"""

import dataclasses
import itertools
from collections.abc import Iterator

from iowitness.specs.workload import Consume, Produce, Restart, Workload
from iowitness.traces.events import (
    Accepted,
    AnyEvent,
    Closed,
    Connected,
    File,
    IOEvent,
    Listening,
    Marked,
    Opened,
    Read,
    Received,
    Sent,
    Socket,
    SocketOpened,
    Synced,
    ThreadNamed,
    ThreadStarted,
    Transferred,
    Waited,
    Written,
)
from iowitness.traces.history import History, Provenance

DATA_ROOT = "/var/tmp/iowitness-run/data"
RAW_TRACE_NAME = "run.strace"
BATCH_BYTE_COUNT = 16_352
RECORDS_PER_BATCH = 142

WORKLOAD = Workload(
    steps=(
        Produce(topic="plain", partition_count=2, record_count=20_000),
        Restart(),
        Consume(topic="plain", partition_count=2),
    ),
    segment_byte_count=262_144,
)

_DRIVER, _BROKER, _PRODUCER, _BROKER_AGAIN, _CONSUMER = 4100, 4102, 4110, 4130, 4140
_BROKER_NETWORK, _SENDER, _NETWORK_AGAIN = 4104, 4111, 4132


@dataclasses.dataclass
class Conduct:
    """What the broker of a constructed run does, and how long its folder is called."""

    copies: bool = False
    strays: bool = False
    data_root: str = DATA_ROOT
    batch_count: int = 70


@dataclasses.dataclass
class Script:
    """Events and the raw lines that they were read from, built up call by call."""

    start_ns: int
    call_ns: int
    is_raw: bool
    events: list[AnyEvent] = dataclasses.field(default_factory=list)
    lines: list[str] = dataclasses.field(default_factory=list)
    now_ns: int = 0

    def add(
        self, kind: type[IOEvent], who: tuple[int, int], call: str, raw: str, **fields: object
    ) -> None:
        start_ns = self.start_ns + self.now_ns
        end_ns = start_ns + self.call_ns
        seconds = f"{start_ns // 10**9}.{start_ns % 10**9 // 1000:06d}"
        self.lines.append(f"{who[1]} {seconds} {call}{raw} <0.{self.call_ns // 1000:06d}>")
        event = kind(
            start_ns=start_ns,
            end_ns=end_ns,
            process_id=who[0],
            thread_id=who[1],
            call=call,
            line=len(self.lines) if self.is_raw else 0,
            **fields,
        )
        self.events.append(event)  # type: ignore[arg-type]  # every kind here is one of the union
        self.now_ns += self.call_ns * 2 + (len(self.events) * 7919 % 5) * 3_000

    def pause(self, pause_ns: int) -> None:
        self.now_ns += pause_ns


@dataclasses.dataclass
class _Segment:
    file: File
    descriptor: int
    byte_count: int = 0


class _Run:
    """One run of the workload. Observed and predicted differ in their clock and their raw lines."""

    def __init__(self, script: Script, conduct: Conduct) -> None:
        self.script = script
        self.conduct = conduct
        self.ids = itertools.count(1)
        self.segments: dict[int, list[_Segment]] = {0: [], 1: []}

    def run(self) -> None:
        self._mark((_DRIVER, _DRIVER), "role", "driver")
        self._start_broker(_BROKER, _BROKER_NETWORK)
        self._mark((_DRIVER, _DRIVER), "begin", "produce-1")
        self._produce()
        self._mark((_DRIVER, _DRIVER), "end", "produce-1")
        self._mark((_DRIVER, _DRIVER), "begin", "restart-2")
        for segments in self.segments.values():
            self._sync(segments[-1])
        self.script.pause(4_000_000)
        self._start_broker(_BROKER_AGAIN, _NETWORK_AGAIN)
        self._mark((_DRIVER, _DRIVER), "end", "restart-2")
        self._mark((_DRIVER, _DRIVER), "begin", "consume-3")
        self._consume()
        self._mark((_DRIVER, _DRIVER), "end", "consume-3")

    def _mark(self, who: tuple[int, int], verb: str, name: str) -> None:
        raw = f'(-1, "iowitness:{verb}:{name}", {11 + len(verb) + len(name)}) = -1 EBADF'
        self.script.add(Marked, who, "write", raw, verb=verb, name=name, error="EBADF")

    def _start_broker(self, process_id: int, network_id: int) -> None:
        main = (process_id, process_id)
        started = {"started_thread_id": process_id, "started_process_id": process_id}
        driver = (_DRIVER, _DRIVER)
        self.script.add(ThreadStarted, driver, "clone", f"() = {process_id}", **started)
        self._mark(main, "role", "broker")
        listener = Socket(next(self.ids), "TCP", local="127.0.0.1:9092")
        opened = {"socket": listener, "descriptor": 5}
        self.script.add(SocketOpened, main, "socket", "(AF_INET, SOCK_STREAM) = 5", **opened)
        self.script.add(Listening, main, "listen", "(5, 128) = 0", socket=listener)
        started = {"started_thread_id": network_id, "started_process_id": process_id}
        self.script.add(ThreadStarted, main, "clone3", f"() = {network_id}", **started)
        network = (process_id, network_id)
        name = 'prctl(PR_SET_NAME, "network") = 0'
        self.script.add(ThreadNamed, network, "prctl", name[5:], name="network")

    def _connect(self, client: tuple[int, int], server: tuple[int, int]) -> tuple[Socket, Socket]:
        port = 40_000 + next(self.ids)
        near = Socket(next(self.ids), "TCP", f"127.0.0.1:{port}", "127.0.0.1:9092")
        far = Socket(next(self.ids), "TCP", "127.0.0.1:9092", f"127.0.0.1:{port}")
        listener = Socket(0, "TCP", local="127.0.0.1:9092")
        self.script.add(Connected, client, "connect", "(4, 127.0.0.1:9092) = 0", socket=near)
        accepted = {"listener": listener, "socket": far, "descriptor": 7}
        self.script.add(Accepted, server, "accept4", "(5) = 7", **accepted)
        return near, far

    def _produce(self) -> None:
        caller, sender = (_PRODUCER, _PRODUCER), (_PRODUCER, _SENDER)
        network = (_BROKER, _BROKER_NETWORK)
        self._mark(caller, "role", "producer")
        started = {"started_thread_id": _SENDER, "started_process_id": _PRODUCER}
        self.script.add(ThreadStarted, caller, "clone3", f"() = {_SENDER}", **started)
        near, far = self._connect(sender, network)
        for number in range(2 * self.conduct.batch_count):
            self.script.add(Waited, caller, "futex", "(0x7f, FUTEX_WAKE_PRIVATE, 1) = 1")
            self._send(sender, near, 4, BATCH_BYTE_COUNT + 87)
            self._receive(network, far, 7, BATCH_BYTE_COUNT + 87)
            self._append(network, number % 2, number)
            self._send(network, far, 7, 52)
            self._receive(sender, near, 4, 52)
            self.script.pause(20_000 + number * 3001 % 90_000)
        closed = {"endpoint": near, "descriptor": 4}
        self.script.add(Closed, sender, "close", "(4) = 0", **closed)

    def _append(self, who: tuple[int, int], partition: int, number: int) -> None:
        segments = self.segments[partition]
        if not segments or segments[-1].byte_count + BATCH_BYTE_COUNT > WORKLOAD.segment_byte_count:
            self._roll(who, partition)
        segment = segments[-1]
        offset = segment.byte_count
        if self.conduct.strays and number == 86:
            offset -= 3 * BATCH_BYTE_COUNT
        self._write(who, segment, offset)
        segment.byte_count += BATCH_BYTE_COUNT
        index = File(next(self.ids), segment.file.path.replace(".log", ".index"))
        moved = {"offset": 0, "byte_count": 8, "requested_byte_count": 8}
        self.script.add(Written, who, "write", "(13, ..., 8) = 8", file=index, **moved)

    def _roll(self, who: tuple[int, int], partition: int) -> None:
        segments = self.segments[partition]
        if segments:
            self._sync(segments[-1])
        base_offset = sum(s.byte_count for s in segments) // BATCH_BYTE_COUNT * RECORDS_PER_BATCH
        path = f"{self.conduct.data_root}/plain-{partition}/{base_offset:020d}.log"
        segment = _Segment(File(next(self.ids), path), 20 + len(segments))
        segments.append(segment)
        raw = f'(AT_FDCWD, "{path}", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = {segment.descriptor}<{path}>'
        opened = {"file": segment.file, "descriptor": segment.descriptor, "access": "read-write"}
        self.script.add(Opened, who, "openat", raw, **opened, size_byte_count=0, created=True)

    def _sync(self, segment: _Segment) -> None:
        raw = f"({segment.descriptor}<{segment.file.path}>) = 0"
        who = (_BROKER, _BROKER)
        self.script.add(Synced, who, "fsync", raw, file=segment.file, scope="all")

    def _write(self, who: tuple[int, int], segment: _Segment, offset: int) -> None:
        count = BATCH_BYTE_COUNT
        raw = (
            f'({segment.descriptor}<{segment.file.path}>, "\\0\\0\\0\\0\\0\\0\\216\\0"..., '
            f"{count}, {offset}) = {count}"
        )
        moved = {"offset": offset, "byte_count": count, "requested_byte_count": count}
        self.script.add(Written, who, "pwrite64", raw, file=segment.file, **moved)

    def _send(self, who: tuple[int, int], socket: Socket, descriptor: int, count: int) -> None:
        raw = f'({descriptor}<{_shown(socket)}>, "\\0\\0"..., {count}, 0, NULL, 0) = {count}'
        moved = {"byte_count": count, "requested_byte_count": count}
        self.script.add(Sent, who, "sendto", raw, channel=socket, **moved)

    def _receive(self, who: tuple[int, int], socket: Socket, descriptor: int, count: int) -> None:
        raw = f'({descriptor}<{_shown(socket)}>, "\\0\\0"..., 65536, 0, NULL, NULL) = {count}'
        moved = {"byte_count": count, "requested_byte_count": 65_536}
        self.script.add(Received, who, "recvfrom", raw, channel=socket, **moved)

    def _consume(self) -> None:
        consumer, network = (_CONSUMER, _CONSUMER), (_BROKER_AGAIN, _NETWORK_AGAIN)
        self._mark(consumer, "role", "consumer")
        near, far = self._connect(consumer, network)
        for segment, offset, count in self._regions():
            self._send(consumer, near, 4, 79)
            self._receive(network, far, 7, 79)
            head = {"offset": offset, "byte_count": 17, "requested_byte_count": 17}
            raw = f'({segment.descriptor}<{segment.file.path}>, "\\0"..., 17, {offset}) = 17'
            self.script.add(Read, network, "pread64", raw, file=segment.file, **head)
            self._send(network, far, 7, 74)
            self._answer(network, far, segment, (offset, count))
            self._receive(consumer, near, 4, 74 + count)
            self.script.pause(60_000)

    def _regions(self) -> Iterator[tuple[_Segment, int, int]]:
        for segments in zip(*self.segments.values(), strict=True):
            for segment in segments:
                for offset in range(0, segment.byte_count, 4 * BATCH_BYTE_COUNT):
                    count = min(4 * BATCH_BYTE_COUNT, segment.byte_count - offset)
                    yield segment, offset, count

    def _answer(
        self, who: tuple[int, int], socket: Socket, segment: _Segment, region: tuple[int, int]
    ) -> None:
        offset, count = region
        moved = {"offset": offset, "byte_count": count, "requested_byte_count": count}
        shown = f"{segment.descriptor}<{segment.file.path}>"
        if self.conduct.copies:
            raw = f'({shown}, "\\0\\0"..., {count}, {offset}) = {count}'
            self.script.add(Read, who, "pread64", raw, file=segment.file, **moved)
            self._send(who, socket, 7, count)
            return
        raw = f"(7<{_shown(socket)}>, {shown}, [{offset}] => [{offset + count}], {count}) = {count}"
        ends = {"source": segment.file, "destination": socket, "destination_offset": None}
        self.script.add(Transferred, who, "sendfile", raw, **ends, **moved)


def _shown(socket: Socket) -> str:
    return f"{socket.family}:[{socket.local}->{socket.remote}]"


def observed_script(conduct: Conduct) -> Script:
    """The run as strace saw it."""
    script = Script(start_ns=1_763_942_400_000_000_000, call_ns=28_000, is_raw=True)
    _Run(script, conduct).run()
    return script


def observed_history(conduct: Conduct) -> History:
    """The events of `observed_script`."""
    provenance = Provenance(
        source="strace",
        program=("python", "-m", "iowitness.real_run"),
        tool="strace 6.1",
        raw_files=(RAW_TRACE_NAME,),
        clock_resolution_ns=1_000,
    )
    events = tuple(observed_script(conduct).events)
    return History(events=events, provenance=provenance)


def predicted_history(conduct: Conduct) -> History:
    """The same run in the simulator's clock, without raw lines."""
    script = Script(start_ns=0, call_ns=3_100, is_raw=False)
    _Run(script, conduct).run()
    return History(events=tuple(script.events), provenance=Provenance(source="simulation"))
