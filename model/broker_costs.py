"""What a broker's work costs the processor, and which bytes it copies: pure arithmetic.

Each function counts copies and switches in the ledger and returns nanoseconds of one core.
Source of the paths: recv(2), pwrite(2), sendfile(2), read(2), and section "Kernel paths" of
docs/model.md.
"""

from iowitness.model.broker_load import BrokerLoad, Transfer
from iowitness.model.figures import Ledger
from iowitness.model.hardware import PAGE_BYTE_COUNT, Gather, Processor
from iowitness.model.kernel import FAULT_AROUND_PAGES

_SECOND_NS = 1_000_000_000
ANSWER_BYTE_COUNT = 100
FETCH_REQUEST_BYTE_COUNT = 200


class BrokerCosts:
    """The costs of one load on one processor."""

    def __init__(
        self, processor: Processor, gather: Gather, load: BrokerLoad, ledger: Ledger
    ) -> None:
        self._processor = processor
        self._ledger = ledger
        self._copy_ns = _SECOND_NS / processor.copy_bytes_per_s
        self._checksum_ns = _SECOND_NS / processor.checksum_bytes_per_s
        self._encrypt_ns = _SECOND_NS / processor.encrypt_bytes_per_s
        compression = load.producers.compression
        self._compress_ns = _SECOND_NS / compression.compress_bytes_per_s if compression else 0.0
        self._decompress_ns = (
            _SECOND_NS / compression.decompress_bytes_per_s if compression else 0.0
        )
        self._read_ns = processor.read_record_ns / load.producers.sizes.mean_byte_count
        self._tls = load.security == "tls"
        self._transfer: Transfer = "copy" if self._tls else load.transfer
        self._by_copy = gather == "copies"
        self._send_buffer_byte_count = load.send_buffer_byte_count

    def receive_ns(self, byte_count: int) -> int:
        """A thread wakes up and takes a message out of its socket."""
        ledger, processor = self._ledger, self._processor
        ledger.context_switch_count += 1
        ledger.mode_switch_count += 2
        ledger.cpu_copied_byte_counts["receive"] += byte_count
        per_byte = self._copy_ns + (self._encrypt_ns if self._tls else 0.0)
        switches = processor.context_switch_ns + 2 * processor.mode_switch_ns
        return switches + round(byte_count * per_byte)

    def store_ns(self, byte_count: int, plain_byte_count: int, batch_count: int) -> int:
        """A produce request is checked, decompressed to validate it, and written to logs."""
        ledger, processor = self._ledger, self._processor
        ledger.mode_switch_count += 2 * batch_count
        ledger.cpu_copied_byte_counts["write"] += byte_count
        calls = processor.request_ns + 2 * processor.mode_switch_ns * batch_count
        per_byte = self._checksum_ns + self._copy_ns + processor.cache_page_ns / PAGE_BYTE_COUNT
        return calls + round(byte_count * per_byte + plain_byte_count * self._decompress_ns)

    def answer_ns(self) -> int:
        """A short answer goes into a socket."""
        self._ledger.mode_switch_count += 2
        self._ledger.cpu_copied_byte_counts["send"] += ANSWER_BYTE_COUNT
        encrypt = self._encrypt_ns if self._tls else 0.0
        per_byte = self._copy_ns + encrypt
        return 2 * self._processor.mode_switch_ns + round(ANSWER_BYTE_COUNT * per_byte)

    def request_ns(self) -> int:
        """A request is understood and handed on."""
        return self._processor.request_ns

    def payload_ns(self, byte_count: int) -> int:
        """Cached bytes of a segment go into a socket, in as many calls as its buffer needs."""
        calls = max(1, -(-byte_count // self._send_buffer_byte_count))
        pages = -(-byte_count // PAGE_BYTE_COUNT)
        handed_ns = pages * self._processor.send_page_ns
        match self._transfer:
            case "sendfile":
                copied_ns = self._copied_ns("sendfile", byte_count) if self._by_copy else handed_ns
                return self._calls_ns(calls) + copied_ns
            case "splice":
                return self._calls_ns(2 * calls) + 2 * handed_ns
            case "mmap":
                faults_ns = pages // FAULT_AROUND_PAGES * self._processor.page_fault_ns
                return self._calls_ns(2 * calls) + faults_ns + self._copied_ns("send", byte_count)
            case "copy":
                copied_ns = self._copied_ns("read", byte_count) + self._copied_ns(
                    "send", byte_count
                )
                encrypted_ns = round(byte_count * self._encrypt_ns) if self._tls else 0
                return self._calls_ns(2 * calls) + copied_ns + encrypted_ns

    def _calls_ns(self, count: int) -> int:
        """Into the kernel and out again."""
        self._ledger.mode_switch_count += 2 * count
        return 2 * count * self._processor.mode_switch_ns

    def _copied_ns(self, path: str, byte_count: int) -> int:
        self._ledger.cpu_copied_byte_counts[path] += byte_count
        return round(byte_count * self._copy_ns)

    def fill_ns(self, record_count: int, plain_byte_count: int) -> int:
        """A producer's caller appends records to batches, and its codec compresses them."""
        own = record_count * self._processor.append_record_ns
        return own + round(plain_byte_count * self._compress_ns)

    def send_ns(self, byte_count: int) -> int:
        """A client makes a request and writes it into its socket."""
        processor = self._processor
        per_byte = self._copy_ns + (self._encrypt_ns if self._tls else 0.0)
        calls = processor.send_request_ns + 2 * processor.mode_switch_ns
        return calls + round(byte_count * per_byte)

    def ask_ns(self) -> int:
        """A consumer makes a fetch request and writes it into its socket."""
        processor = self._processor
        copied_ns = round(FETCH_REQUEST_BYTE_COUNT * self._copy_ns)
        return processor.fetch_request_ns + 2 * processor.mode_switch_ns + copied_ns

    def take_ns(self, byte_count: int, plain_byte_count: int) -> int:
        """A consumer takes an answer out of its socket, checks it, decompresses it, reads it."""
        processor = self._processor
        per_byte = self._copy_ns + self._checksum_ns + (self._encrypt_ns if self._tls else 0.0)
        per_byte += self._read_ns * max(plain_byte_count, byte_count) / max(1, byte_count)
        switches = processor.context_switch_ns + 2 * processor.mode_switch_ns
        return switches + round(byte_count * per_byte + plain_byte_count * self._decompress_ns)
