"""A small workload on one log in this process, which promises as a broker does.

It appends and then acknowledges, saves checkpoints, rolls, stops cleanly and opens again. What the
disk is asked, and what the client is told, is witnessed by its file system.
"""

from typing import Final

from iowitness.crash_run.witnessed_files import WitnessedFiles
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.errors import StorageError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.produce_wire import (
    PartitionAppended,
    ProduceResponse,
    TopicAppended,
    write_produce_response,
)
from iowitness.impl.request_header import RequestHeader, finished, request_frame, response_frame

ROOT: Final = "/data"
TOPIC: Final = "t"
FLUSHING: Final = LogConfig(
    segment_byte_count=400,
    index_interval_byte_count=100,
    index_byte_count=24,
    flush_record_count=1,
)
"""Every append is flushed before it returns; two or three batches fill a segment."""

_VERSION: Final = 9


class PromisingLog:
    """One partition, and a client that sends a batch again until it is acknowledged.

    `acknowledged` has the values that the client was told of, in order.
    """

    def __init__(self, files: WitnessedFiles, config: LogConfig = FLUSHING) -> None:
        """Nothing is opened yet."""
        self.files = files
        self.config = config
        self._request_count = 0
        self.acknowledged: list[bytes] = []
        self.errors: list[str] = []

    def work(self) -> None:
        """The whole workload. Raises what the log raises when nothing more can be done."""
        directory = self.opened()
        try:
            log = directory.create(TOPIC, 0, topic_id="A" * 22, now_ms=0)
            self.append(log, 4)
            directory.checkpoint()
            self.append(log, 1)
        finally:
            directory.close()
        directory = self.opened()
        try:
            self.append(directory.logs[TOPIC, 0], 2)
        finally:
            directory.close()

    @property
    def next_value(self) -> bytes:
        """What is sent next, or again."""
        return b"value %d " % len(self.acknowledged) * 5

    def opened(self) -> LogDirectory:
        """The folder, open."""
        return LogDirectory.open(ROOT, self.config, self.files, now_ms=0)

    def append(self, log: Log, count: int) -> None:
        """So many requests, each with the next value that is not acknowledged yet."""
        for _ in range(count):
            header = RequestHeader(0, _VERSION, self._request_count, "client")
            self._request_count += 1
            self.files.heard(bytes(finished(request_frame(header))))
            value = self.next_value
            stamp = ProducerStamp(7, 0, len(self.acknowledged))
            batch = encode_batch([(1_000, None, value, ())], stamp=stamp)
            try:
                self.append_and_tell(log, batch, header)
            except (OSError, StorageError) as error:
                self.errors.append(str(error))
            else:
                self.acknowledged.append(value)

    def append_and_tell(self, log: Log, batch: bytes, header: RequestHeader) -> None:
        """Append, then acknowledge: a planted bug may turn that round."""
        self.tell(header, log.append(batch, now_ms=0).base_offset)

    def tell(self, header: RequestHeader, base_offset: int) -> None:
        """The response leaves."""
        appended = PartitionAppended(0, 0, base_offset)
        frame = response_frame(header)
        response = ProduceResponse((TopicAppended(TOPIC, (appended,)),))
        write_produce_response(frame, _VERSION, response)
        self.files.said(bytes(finished(frame)))
