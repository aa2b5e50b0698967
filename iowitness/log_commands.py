"""`iowitness log dump | verify | recover`: what is in a Kafka log directory, and is it sound."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from iowitness.exit_codes import ExitCode
from iowitness.impl.batch_reader import Batch, records
from iowitness.impl.errors import CorruptBatch, StorageError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import CLEAN_SHUTDOWN, LogDirectory
from iowitness.impl.log_files import OpenFile, RealFiles
from iowitness.impl.log_inspection import Damage, inspected, log_paths, open_segment
from iowitness.impl.log_loading import LogStart
from iowitness.impl.recovery import OnDamage, RecoveryReport
from iowitness.impl.segment import BatchAt

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group(name="log")
def log_group() -> None:
    """Look into a Kafka log directory, whoever wrote it.

    DIR is a whole log directory, or the folder of one partition.

    \b
    Exit codes: 0 sound, 1 damaged, 2 usage or input error.

    \b
    Example: iowitness log verify /var/lib/kafka/data
    """


@log_group.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@click.option("--records", "with_records", is_flag=True, help="Also one line a record.")
@_JSON
def dump(directory: Path, with_records: bool, as_json: bool) -> None:  # noqa: FBT001  click's flags
    """One line a batch, damage with its place.

    \b
    Example: iowitness log dump data/topic-0 --records
    """
    damaged = False
    for path in _segments(directory):
        file, base_offset = open_segment(path)
        if not as_json:
            click.echo(path)
        for found in inspected(file, base_offset):
            if isinstance(found, Damage):
                damaged = True
                _echo_damage(found, as_json=as_json)
                continue
            _echo_fields("batch", _batch_fields(path, found), as_json=as_json)
            if with_records:
                for fields in _record_fields(file, found):
                    _echo_fields("  record", fields, as_json=as_json)
        file.close()
    _leave(damaged=damaged)


@log_group.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@_JSON
def verify(directory: Path, as_json: bool) -> None:  # noqa: FBT001  click's flags
    """Compare every checksum; one line for each damaged place, and the sum.

    Sound batches after damage are looked for and counted; nothing is changed.

    \b
    Example: iowitness log verify data --json
    """
    paths = _segments(directory)
    total_byte_count = sum(Path(path).stat().st_size for path in paths)
    batch_count = byte_count = damage_count = 0
    started = time.monotonic()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("verifying", total=total_byte_count)
        for path in paths:
            file, base_offset = open_segment(path)
            for found in inspected(file, base_offset):
                if isinstance(found, Damage):
                    damage_count += 1
                    _echo_damage(found, as_json=as_json)
                else:
                    batch_count += 1
                    byte_count += found.header.byte_count
                    if batch_count % _PROGRESS_BATCH_COUNT == 0:
                        progress.update(task, completed=byte_count)
            file.close()
    fields: dict[str, object] = {
        "segments": len(paths),
        "batches": batch_count,
        "bytes": byte_count,
        "damaged_places": damage_count,
        "seconds": round(time.monotonic() - started, 3),
    }
    _echo_fields("DAMAGED" if damage_count else "sound", fields, as_json=as_json)
    _leave(damaged=damage_count > 0)


@log_group.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@click.option("--cut", is_flag=True, help="Cut at damage to synced bytes too, as Kafka does.")
def recover(directory: Path, cut: bool) -> None:  # noqa: FBT001  click's flags
    """Recover after an unclean stop: cut the torn end, rebuild the indexes, say what was done.

    A torn end is cut; damage before it is only reported, unless --cut says otherwise. Recovering
    twice changes nothing.

    \b
    Example: iowitness log recover data/topic-0
    """
    on_damage = OnDamage.CUT if cut else OnDamage.REFUSE
    now_ms = time.time_ns() // 1_000_000
    config = LogConfig()
    try:
        if _is_partition(directory):
            start = LogStart(on_damage=on_damage)
            log = Log.open(str(directory), config, RealFiles(), now_ms=now_ms, start=start)
            _echo_report(directory.name, log.recovery, log.end_offset)
            log.close()
        elif (directory / CLEAN_SHUTDOWN).exists():
            click.echo(f"{directory}: stopped cleanly, nothing to recover")
        else:
            logs = LogDirectory.open(
                str(directory), config, RealFiles(), now_ms=now_ms, on_damage=on_damage
            )
            for (topic, number), log in logs.logs.items():
                _echo_report(f"{topic}-{number}", log.recovery, log.end_offset)
            logs.close()
    except StorageError as error:
        click.echo(f"DAMAGED {error}")
        _leave(damaged=True)


commands = (log_group,)

_PROGRESS_BATCH_COUNT = 256


def _is_partition(directory: Path) -> bool:
    return any(directory.glob("*.log"))


def _segments(directory: Path) -> list[str]:
    paths = log_paths(str(directory))
    if not paths:
        raise click.UsageError(f"{directory}: no segments, expected NNN.log files in it or below")
    return paths


def _batch_fields(path: str, found: BatchAt) -> dict[str, object]:
    header = found.header
    return {
        "file": Path(path).name,
        "position": found.position,
        "bytes": header.byte_count,
        "offsets": f"{header.base_offset}..{header.last_offset}",
        "records": header.record_count,
        "codec": header.codec.name.lower(),
        "max_timestamp_ms": header.max_timestamp_ms,
        "leader_epoch": header.partition_leader_epoch,
        "producer_id": header.producer_id,
        "producer_epoch": header.producer_epoch,
        "base_sequence": header.base_sequence,
        "transactional": header.is_transactional,
        "control": header.is_control,
        "crc32c": f"0x{header.crc:08x}",
    }


def _record_fields(file: OpenFile, found: BatchAt) -> Iterator[dict[str, object]]:
    stored = file.read_at(found.header.byte_count, found.position)
    try:
        for record in records(Batch(found.header, memoryview(stored))):
            yield {
                "offset": record.offset,
                "timestamp_ms": record.timestamp_ms,
                "key": repr(record.key),
                "value": repr(record.value),
                "headers": repr(record.headers),
            }
    except CorruptBatch as error:
        yield {"damaged": str(error.located(file.path, found.position))}


def _echo_fields(what: str, fields: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode({"kind": what.strip(), **fields}).decode())
    else:
        click.echo(what + " " + " ".join(f"{name}={value}" for name, value in fields.items()))


def _echo_damage(damage: Damage, *, as_json: bool) -> None:
    fault, after = damage.fault, damage.resumes_at
    if as_json:
        fields: dict[str, object] = {
            "file": fault.file,
            "position": fault.position,
            "bytes": damage.byte_count,
            "reason": fault.reason,
            "stored_crc32c": fault.stored_crc,
            "computed_crc32c": fault.computed_crc,
            "expected_offset": damage.expected_offset,
            "resumes_at": None if after is None else after.position,
        }
        _echo_fields("damage", fields, as_json=True)
        return
    then = "to the end of the file"
    if after is not None:
        then = f"then offset={after.header.base_offset} at byte {after.position}"
    click.echo(
        f"DAMAGED {fault}; {damage.byte_count} B, offset={damage.expected_offset} on, {then}"
    )


def _echo_report(name: str, report: RecoveryReport, end_offset: int) -> None:
    click.echo(
        f"{name}: end_offset={end_offset} scanned_segments={report.scanned_segment_count} "
        f"cuts={len(report.cuts)} removed_files={len(report.removed)}"
    )
    for cut in report.cuts:
        click.echo(f"  CUT {cut}")
    for path in report.removed:
        click.echo(f"  removed {path}")


def _leave(*, damaged: bool) -> NoReturn:
    raise SystemExit(ExitCode.VIOLATED if damaged else ExitCode.HOLDS)
