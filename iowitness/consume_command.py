"""`iowitness consume`: a topic's records as lines, as sized fields or as JSON."""

import contextlib
import sys
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

import click

from iowitness.exit_codes import ExitCode
from iowitness.impl.client_versions import IncompatibleBroker
from iowitness.impl.cluster_view import TopicPartition
from iowitness.impl.consumer import Consumer, FetchFailed, PartitionRecords
from iowitness.impl.consumer_config import GroupConfig
from iowitness.impl.errors import CorruptBatch, CorruptRecord, OffsetOutOfRange
from iowitness.impl.group_consumer import GroupConsumer
from iowitness.impl.group_membership import GroupFailed
from iowitness.impl.wire_errors import BrokerUnreachable, ProtocolViolation
from iowitness.transfer.record_forms import FORMS, PlacedRecord, json_of, line_of, sized_of
from iowitness.transfer.tally import Tally

_DAMAGED = (CorruptBatch, CorruptRecord)
_UNREADABLE = (
    BrokerUnreachable,
    FetchFailed,
    GroupFailed,
    IncompatibleBroker,
    OffsetOutOfRange,
    ProtocolViolation,
)


@click.command()
@click.option("--topic", "-t", required=True, help="Where the records are.")
@click.option("--bootstrap", "-b", default="127.0.0.1:9092", show_default=True, metavar="HOST:PORT")
@click.option(
    "--partition", "-p", "numbers", type=click.IntRange(0), multiple=True, help="Only it."
)
@click.option("--group", "-g", metavar="NAME", help="Share the topic with this group's members.")
@click.option(
    "--from",
    "start",
    default="earliest",
    show_default=True,
    metavar="PLACE",
    help="earliest, latest, an offset, or @ and ms since 1970.",
)
@click.option("--count", "-c", type=click.IntRange(0), help="Stop after so many records.")
@click.option("--follow", "-f", is_flag=True, help="At the end wait for more.")
@click.option("--form", type=click.Choice(FORMS), default="lines", show_default=True)
@click.option("--key-separator", "-K", metavar="TEXT", help="Of lines: write the key before it.")
def consume(  # one parameter for each option
    topic: str,
    bootstrap: str,
    numbers: tuple[int, ...],
    group: str | None,
    start: str,
    count: int | None,
    follow: bool,  # noqa: FBT001  click's flag
    form: str,
    key_separator: str | None,
) -> None:
    """Write a topic's records to standard output, every checksum compared.

    Reads to the end as it is at the start, unless --follow. A group goes on
    where it was, and --from says where it begins if it was nowhere.

    \b
    Forms: lines (a record a line), sized (int32 length and bytes of key, then
    of value, -1 for null), json (with topic, partition, offset, timestamp_ms
    and headers; bytes as {"base64": "..."}). sized and json hold any bytes.

    \b
    Exit codes: 0 read, 1 damaged records, 2 usage or input error or no such
    topic or broker, 130 interrupted: a group's offsets are stored.

    \b
    Example: iowitness consume -t words --from @1767225600000 --form json
    """
    separator = key_separator.encode() if key_separator else None
    write = _writer(form, separator)
    out = sys.stdout.buffer
    try:
        with Tally("read") as tally, contextlib.suppress(BrokenPipeError):
            if group is not None:
                came = _of_group(bootstrap, group, topic, start, follow=follow)
            else:
                came = _of_partitions(bootstrap, topic, numbers, start, follow=follow)
            with contextlib.closing(came):
                _write_all(came, write, out, tally, count)
    except _DAMAGED as error:
        click.echo(str(error), err=True)
        raise SystemExit(ExitCode.VIOLATED) from None
    except (*_UNREADABLE, ValueError) as error:
        raise click.UsageError(str(error)) from None


def _write_all(
    came: Iterator[PartitionRecords],
    write: Callable[[PlacedRecord], bytes],
    out: BinaryIO,
    tally: Tally,
    count: int | None,
) -> None:
    if count == 0:
        return
    for fetched in came:
        pieces: list[bytes] = []
        for record in fetched.records():
            if count is not None and tally.record_count + len(pieces) >= count:
                break
            pieces.append(
                write(
                    PlacedRecord(
                        record.value,
                        record.key,
                        tuple(record.headers),
                        record.timestamp_ms,
                        topic=fetched.partition.topic,
                        partition=fetched.partition.partition,
                        offset=record.offset,
                    )
                )
            )
        whole = b"".join(pieces)
        out.write(whole)
        out.flush()
        tally.add(len(pieces), len(whole))
        if count is not None and tally.record_count >= count:
            return


def _of_partitions(
    bootstrap: str, topic: str, numbers: tuple[int, ...], start: str, *, follow: bool
) -> Generator[PartitionRecords, None, None]:
    consumer = Consumer(bootstrap)
    try:
        there = consumer.partitions(topic)
        missing = [number for number in numbers if number >= len(there)]
        if missing:
            raise ValueError(f"partition={missing[0]}, expected 0..{len(there) - 1} of {topic}")
        chosen = tuple(one for one in there if not numbers or one.partition in numbers)
        positions = _started(consumer, chosen, start)
        consumer.assign(positions, None if follow else consumer.end_offsets(chosen))
        while consumer.positions:
            yield from consumer.poll()
    finally:
        consumer.close()


def _started(
    consumer: Consumer, partitions: tuple[TopicPartition, ...], start: str
) -> dict[TopicPartition, int]:
    if start == "earliest":
        return consumer.start_offsets(partitions)
    if start == "latest":
        return consumer.end_offsets(partitions)
    if start.startswith("@") and start[1:].isdecimal():
        return consumer.offsets_at(partitions, int(start[1:]))
    if start.isdecimal():
        return dict.fromkeys(partitions, int(start))
    raise ValueError(
        f"--from={start}, expected earliest, latest, an offset, or @ and ms since 1970"
    )


def _of_group(
    bootstrap: str, name: str, topic: str, start: str, *, follow: bool
) -> Generator[PartitionRecords, None, None]:
    if start not in {"earliest", "latest"}:
        raise ValueError(f"--from={start}, expected earliest or latest with --group")
    group = GroupConfig(group_id=name, reset=start)  # type: ignore[arg-type]  # one of the two
    member = GroupConsumer(bootstrap, group, (topic,))
    try:
        member.partitions(topic)
        while True:
            came = member.poll()
            yield from came
            if not came and not follow and member.is_at_end():
                return
    finally:
        member.close()


def _writer(form: str, separator: bytes | None) -> Callable[[PlacedRecord], bytes]:
    match form:
        case "sized":
            return sized_of
        case "json":
            return json_of
        case _:
            return lambda record: line_of(record, separator)


commands = (consume,)
