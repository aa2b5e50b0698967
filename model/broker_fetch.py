"""The broker's side of fetches: waiting for data, choosing it, sending it by page or by copy."""

from iowitness.model.block_io import Waiting
from iowitness.model.broker_costs import ANSWER_BYTE_COUNT, FETCH_REQUEST_BYTE_COUNT
from iowitness.model.broker_load import BrokerLoad
from iowitness.model.broker_requests import Member, Reader
from iowitness.model.broker_threads import NetworkThread, ServerThreads
from iowitness.model.machine import Machine
from iowitness.model.recorder import Thread
from iowitness.model.socket_buffer import SocketBuffer


class FetchHandler:
    """Answers fetches. Counts are of the whole run."""

    def __init__(self, machine: Machine, load: BrokerLoad, threads: ServerThreads) -> None:
        self._env = machine.env
        self._machine = machine
        self._threads = threads
        self._piece_byte_count = load.send_buffer_byte_count
        self._sockets: dict[int, SocketBuffer] = {}
        self.answer_count = 0
        self.delivered_byte_count = 0

    def arrived(self, member: Member) -> None:
        """A fetch request has arrived: answer it, or let it wait for data (Kafka's purgatory)."""
        threads = self._threads

        def begun(thread: Thread, begin_ns: int) -> None:
            done_ns = threads.worked(member.number, begin_ns, threads.costs.request_ns())
            threads.at(done_ns, lambda _: looked_up(thread))

        def looked_up(thread: Thread) -> None:
            threads.release(member.number, thread)
            if member.available >= member.fetch_min_byte_count:
                self.answer(member)
            else:
                member.waiting_since_ns = int(self._env.now)

        threads.arrived(member.number, FETCH_REQUEST_BYTE_COUNT, begun)

    def answer(self, member: Member) -> None:
        """Choose what goes into the answer, partition by partition, in turn; then send it."""
        member.waiting_since_ns = None
        self.answer_count += 1
        left = member.fetch_byte_count
        taken: list[tuple[Reader, int]] = []
        resident = True
        for reader in list(member.ready):
            if left <= 0:
                break
            del member.ready[reader]
            most = min(left, member.partition_fetch_byte_count)
            length = reader.log.region(reader.position, most)[2]
            if length <= 0:
                continue
            resident = resident and self._resident(reader, length)
            taken.append((reader, length))
            left -= length
        network = self._threads.network(member.number)
        if resident:
            network.when_free(lambda: self._send_resident(network, member, taken))
        else:
            self._env.process(self._send_from_disk(network, member, taken))

    def _resident(self, reader: Reader, length: int) -> bool:
        """Is all of it in memory? What was read before a page was given up may be read again."""
        log = reader.log
        if log.end - reader.position <= 2 * log.step_byte_count:
            return True  # appended last, so in memory for certain
        segment, offset, length = log.region(reader.position, length)
        known = min(length, log.cached_end - reader.position)
        return not self._machine.cache.absent(segment.file_id, offset, offset + known)

    def _send_resident(
        self, network: NetworkThread, member: Member, taken: list[tuple[Reader, int]]
    ) -> None:
        threads = self._threads
        work_ns, total = threads.costs.answer_ns(), 0
        for reader, length in taken:
            work_ns += threads.costs.payload_ns(length)
            total += length
            self._advance(reader, length)
        done_ns = network.run(int(self._env.now), threads.spent(work_ns))
        arrival_ns = threads.arrival_ns(done_ns, total + ANSWER_BYTE_COUNT)
        self._delivered(member, arrival_ns, total, taken)

    def _advance(self, reader: Reader, length: int) -> None:
        """The reader's position moves on; in steps, the page cache is told of it."""
        log = reader.log
        reader.position += length
        reader.member.available -= length
        if reader.position < log.end:
            reader.member.ready[reader] = None
        while reader.position - reader.touched >= log.step_byte_count:
            segment, offset, span = log.region(reader.touched, reader.position - reader.touched)
            span = min(span, log.cached_end - reader.touched)
            if span <= 0:
                break
            self._machine.cache.missing(segment.file_id, offset, span)
            reader.touched += span

    def _send_from_disk(
        self, network: NetworkThread, member: Member, taken: list[tuple[Reader, int]]
    ) -> Waiting:
        """Send piece by piece; the network thread is held while a piece comes from the disk.

        Between pieces it serves others, and waits until the socket has room again.
        """
        threads, total = self._threads, 0
        socket = self._sockets.get(member.number)
        if socket is None:
            socket = SocketBuffer(threads.line_out, self._piece_byte_count)
            self._sockets[member.number] = socket
        arrival_ns = int(self._env.now)
        for reader, length in taken:
            end = reader.position + length
            while reader.position < end:
                piece = min(self._piece_byte_count, end - reader.position)
                yield network.held()
                begin_ns = int(self._env.now)
                yield from self._fetched(reader, piece)
                now_ns = int(self._env.now)
                done_ns = network.run(now_ns, threads.spent(threads.costs.payload_ns(piece)))
                network.release(now_ns - begin_ns)
                accepted_ns, left_ns = socket.put(done_ns, piece)
                arrival_ns = left_ns + threads.latency_ns
                total += piece
                yield self._env.timeout(accepted_ns - now_ns)
            if reader.position < reader.log.end:
                member.ready[reader] = None
        self._delivered(member, arrival_ns, total, taken)

    def _fetched(self, reader: Reader, piece: int) -> Waiting:
        """Bring a piece into memory; the reader then stands after it."""
        log, at = reader.log, reader.position
        if at + piece > log.cached_end:
            self._machine.write_back.runs_free(log.absorb(int(self._env.now)))
        segment, offset, piece = log.region(at, piece)
        file_end = min(segment.byte_count, log.cached_end - segment.base_position)
        yield from self._machine.reads.resident(
            segment.file_id, offset, offset + piece, file_end, 0
        )
        # Retention may have moved the reader on meanwhile.
        moved = max(0, at + piece - reader.position)
        reader.position += moved
        reader.member.available -= moved
        reader.touched = reader.position

    def _delivered(
        self, member: Member, arrival_ns: int, total: int, taken: list[tuple[Reader, int]]
    ) -> None:
        self.delivered_byte_count += total
        member.answered(arrival_ns, total, [reader for reader, _ in taken])
