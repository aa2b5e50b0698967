"""What bytes cost the processor on their way through the kernel: copies, fresh pages, sendfile.

CPU time of the calling thread, not the clock's: what others do on the machine is not counted.
"""

import mmap
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import crc32c

from iowitness.calibrate.repeated import Measured, of_values, repeated
from iowitness.calibrate.scratch_file import ScratchFile, forget_cached
from iowitness.model.hardware import PAGE_BYTE_COUNT

_PIECE_BYTE_COUNT = 1 << 20
_SPAN_BYTE_COUNT = 64 << 20
_CHECKSUM_ROUNDS = 64

METHOD = (
    "CPU time of one thread, medians: pread of 64 MiB of cached file in pieces of 1 MiB for "
    "copies; pwrite into pages that are not cached, less the copy, for fresh cache pages; writing "
    "to fresh anonymous memory, less writing to it again, for faults; sendfile of the same pages "
    "to a loopback socket whose reader is another thread; CRC-32C of 1 MiB"
)


def copy_figures(file: ScratchFile, core_count: int) -> dict[str, Measured]:
    """Processor and memory figures of a preset, by field, in its units."""
    span = min(_SPAN_BYTE_COUNT, file.byte_count)
    pages = span / PAGE_BYTE_COUNT
    copy_ns = repeated(lambda: _cpu_ns(lambda: _read_cached(file, span)))
    rewrite_ns = repeated(lambda: _cpu_ns(lambda: _write_cached(file, span)))
    fresh_ns = [_fresh_write_ns(file, span) for _ in range(5)]
    return {
        "processor.copy_bytes_per_s": _inverted(copy_ns, span),
        "processor.cache_page_ns": of_values(
            [max(1.0, (one - rewrite_ns.value) / pages) for one in fresh_ns]
        ),
        "processor.page_fault_ns": repeated(_fault_ns),
        "processor.send_page_ns": repeated(lambda: _sendfile_ns(file, span) / pages),
        "processor.checksum_bytes_per_s": repeated(_checksum_rate),
        "memory.copy_total_bytes_per_s": repeated(lambda: _total_rate(file, span, core_count), 3),
    }


def _cpu_ns(work: Callable[[], object]) -> float:
    start_ns = time.thread_time_ns()
    work()
    return time.thread_time_ns() - start_ns


def _inverted(time_ns: Measured, byte_count: int) -> Measured:
    """Times of so many bytes as rates."""
    return Measured(
        value=byte_count * 1e9 / time_ns.value,
        low=byte_count * 1e9 / time_ns.high,
        high=byte_count * 1e9 / time_ns.low,
        count=time_ns.count,
    )


def _read_cached(file: ScratchFile, span: int) -> None:
    buffer = bytearray(_PIECE_BYTE_COUNT)
    for offset in range(0, span, _PIECE_BYTE_COUNT):
        os.preadv(file.cached, [buffer], offset)


def _write_cached(file: ScratchFile, span: int) -> None:
    content = bytes(_PIECE_BYTE_COUNT)
    for offset in range(0, span, _PIECE_BYTE_COUNT):
        os.pwrite(file.cached, content, offset)


def _fresh_write_ns(file: ScratchFile, span: int) -> float:
    """Whole pages that are not cached are written without being read first."""
    forget_cached(file.cached)
    return _cpu_ns(lambda: _write_cached(file, span))


def _fault_ns() -> float:
    piece = os.urandom(_PIECE_BYTE_COUNT)

    def fill(memory: mmap.mmap) -> None:
        memory.seek(0)
        for _ in range(_SPAN_BYTE_COUNT // _PIECE_BYTE_COUNT):
            memory.write(piece)

    with mmap.mmap(-1, _SPAN_BYTE_COUNT) as memory:
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        first_ns = _cpu_ns(lambda: fill(memory))
        again_ns = _cpu_ns(lambda: fill(memory))
    return max(1.0, (first_ns - again_ns) / (_SPAN_BYTE_COUNT / PAGE_BYTE_COUNT))


def _sendfile_ns(file: ScratchFile, span: int) -> float:
    _read_cached(file, span)
    with _drained() as sender:
        return _cpu_ns(lambda: _send_all(file, span, sender))


def _send_all(file: ScratchFile, span: int, sender: socket.socket) -> None:
    offset = 0
    while offset < span:
        sent = os.sendfile(
            sender.fileno(), file.cached, offset, min(_PIECE_BYTE_COUNT, span - offset)
        )
        offset += sent


class _Drained:
    """A loopback connection whose other end reads everything in a thread and throws it away."""

    def __enter__(self) -> socket.socket:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._sender = socket.create_connection(listener.getsockname())
            self._reader, _ = listener.accept()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()
        return self._sender

    def __exit__(self, *_: object) -> None:
        self._sender.close()
        self._thread.join(10)
        self._reader.close()

    def _drain(self) -> None:
        buffer = bytearray(_PIECE_BYTE_COUNT)
        while self._reader.recv_into(buffer):
            pass


_drained = _Drained


def _checksum_rate() -> float:
    content = os.urandom(_PIECE_BYTE_COUNT)
    spent_ns = _cpu_ns(lambda: [crc32c.crc32c(content) for _ in range(_CHECKSUM_ROUNDS)])
    return _CHECKSUM_ROUNDS * _PIECE_BYTE_COUNT * 1e9 / spent_ns


def _total_rate(file: ScratchFile, span: int, core_count: int) -> float:
    """What all cores together copy out of the page cache, by the clock."""
    _read_cached(file, span)
    with ThreadPoolExecutor(core_count) as pool:
        list(pool.map(lambda _: None, range(core_count)))
        start_ns = time.perf_counter_ns()
        list(pool.map(lambda _: _read_cached(file, span), range(core_count)))
        return core_count * span * 1e9 / (time.perf_counter_ns() - start_ns)
