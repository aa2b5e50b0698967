"""`iowitness produce`: lines or files of records into a topic."""

import sys
from collections import deque
from collections.abc import Iterator
from itertools import groupby
from typing import BinaryIO, Literal, cast

import click

from iowitness.exit_codes import ExitCode
from iowitness.impl.delivery import ManyDelivery, RecordSent
from iowitness.impl.producer import Producer
from iowitness.impl.producer_config import CodecName, ProducerConfig
from iowitness.impl.producer_errors import ProducerError
from iowitness.transfer.record_forms import (
    FORMS,
    GivenRecord,
    RecordFormError,
    given_json,
    given_lines,
    given_sized,
)
from iowitness.transfer.tally import Tally

_ACKS: dict[str, Literal[0, 1, -1]] = {"0": 0, "1": 1, "all": -1}
_INTERRUPTED_FLUSH_S = 5.0


class _Sending:
    """A producer, and what became of what it was given."""

    def __init__(self, producer: Producer, topic: str, partition: int | None) -> None:
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._many: deque[ManyDelivery] = deque()
        self.failed_count = 0
        self.first_error: Exception | None = None

    def send(self, records: list[GivenRecord]) -> None:
        """Hand records over, in their order."""
        for is_bare, group in groupby(records, self._is_bare):
            if is_bare:
                values = [cast("bytes", record.value) for record in group]
                self._many.append(self._producer.send_many(self._topic, values))
                self._settle()
                continue
            for record in group:
                self._producer.send(
                    self._topic,
                    record.value,
                    record.key,
                    self._partition,
                    record.timestamp_ms,
                    record.headers,
                    self._done,
                )

    def _is_bare(self, record: GivenRecord) -> bool:
        return (
            self._partition is None
            and record.value is not None
            and record == GivenRecord(record.value)
        )

    def _done(self, sent: RecordSent | None, error: Exception | None) -> None:
        del sent
        if error is not None:
            self.failed(1, error)

    def failed(self, count: int, error: Exception) -> None:
        """Note records that did not arrive."""
        self.failed_count += count
        self.first_error = self.first_error or error

    def _settle(self) -> None:
        while self._many and self._many[0].is_done:
            for _, count, outcome in self._many.popleft().outcomes:
                if outcome.error is not None:
                    self.failed(count, outcome.error)

    def finish(self, timeout_s: float | None) -> None:
        """Wait for what is under way; what is not done by then has failed."""
        self._producer.close(timeout_s)
        self._settle()


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.File("rb"))
@click.option("--topic", "-t", required=True, help="Where the records go.")
@click.option("--bootstrap", "-b", default="127.0.0.1:9092", show_default=True, metavar="HOST:PORT")
@click.option("--form", type=click.Choice(FORMS), default="lines", show_default=True)
@click.option("--key-separator", "-K", metavar="TEXT", help="Of lines: what stands after the key.")
@click.option("--partition", "-p", type=click.IntRange(0), help="Instead of by key or in turn.")
@click.option("--count", "-c", type=click.IntRange(0), help="Stop after so many records.")
@click.option(
    "--compression",
    "-z",
    type=click.Choice(["none", "gzip", "snappy", "lz4", "zstd"]),
    default="none",
    show_default=True,
)
@click.option("--acks", type=click.Choice(list(_ACKS)), default="all", show_default=True)
@click.option("--linger-ms", type=click.IntRange(0), default=5, show_default=True)
@click.option(
    "--batch-size", type=click.IntRange(1), default=16_384, show_default=True, metavar="B"
)
def produce(  # one parameter for each option
    files: tuple[BinaryIO, ...],
    topic: str,
    bootstrap: str,
    form: str,
    key_separator: str | None,
    partition: int | None,
    count: int | None,
    compression: CodecName,
    acks: str,
    linger_ms: int,
    batch_size: int,
) -> None:
    """Send records from FILEs or standard input to a topic.

    \b
    Forms: lines (a record a line), sized (int32 length and bytes of key, then
    of value, -1 for null), json (an object a line: value, key, headers,
    timestamp_ms; bytes as {"base64": "..."}). sized and json hold any bytes.

    \b
    Exit codes: 0 all acknowledged, 1 some not, 2 usage or input error,
    130 interrupted: what was read until then is still sent.

    \b
    Example: iowitness produce -t words -K : -z zstd pairs.txt
    """
    config = ProducerConfig(
        acks=_ACKS[acks], codec=compression, linger_ms=linger_ms, batch_size=batch_size
    )
    separator = key_separator.encode() if key_separator else None
    try:
        producer = Producer(bootstrap, config)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    sending = _Sending(producer, topic, partition)
    timeout_s: float | None = None
    try:
        with Tally("sent") as tally:
            try:
                for records in _first(_given(files, form, separator), count):
                    sending.send(records)
                    tally.add(len(records), sum(map(_byte_count, records)))
            except KeyboardInterrupt:
                timeout_s = _INTERRUPTED_FLUSH_S
                raise
            finally:
                sending.finish(timeout_s)
    except RecordFormError as error:
        raise click.UsageError(str(error)) from None
    except ProducerError as error:
        sending.failed(1, error)
    if sending.first_error is not None:
        click.echo(
            f"{sending.failed_count:,} records were not acknowledged: {sending.first_error}",
            err=True,
        )
        raise SystemExit(ExitCode.VIOLATED)


def _given(
    files: tuple[BinaryIO, ...], form: str, separator: bytes | None
) -> Iterator[list[GivenRecord]]:
    for file in files or (sys.stdin.buffer,):
        name = str(file.name)
        match form:
            case "sized":
                yield from given_sized(file, name)  # type: ignore[arg-type]  # buffered readers have read1
            case "json":
                yield from given_json(file, name)  # type: ignore[arg-type]
            case _:
                yield from given_lines(file, name, separator)  # type: ignore[arg-type]


def _first(given: Iterator[list[GivenRecord]], count: int | None) -> Iterator[list[GivenRecord]]:
    if count is None:
        yield from given
        return
    while count:
        records = next(given, None)
        if records is None:
            return
        yield records[:count]
        count -= min(count, len(records))


def _byte_count(record: GivenRecord) -> int:
    return len(record.value or b"") + len(record.key or b"")


commands = (produce,)
