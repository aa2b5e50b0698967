"""`iowitness log dump | verify | recover`: what is in a Kafka log directory, and is it sound."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TypeAlias

import click
import msgspec

from iowitness.exit_codes import ExitCode
from iowitness.impl.batch_reader import Batch, records
from iowitness.impl.errors import (
    CheckpointError,
    CorruptBatch,
    CorruptIndex,
    DamagedLog,
    DirectoryLocked,
    OldFormat,
)
from iowitness.impl.index_inspection import IndexFault, IndexInspection
from iowitness.impl.log_directory import CLEAN_SHUTDOWN
from iowitness.impl.log_files import OpenFile
from iowitness.impl.log_inspection import Damage, inspected, log_paths, open_segment
from iowitness.impl.recovery import OnDamage
from iowitness.impl.segment import BatchAt
from iowitness.log_recovery import (
    RecoveredLog,
    WatchedFiles,
    recovered_directory,
    recovered_partition,
    shown_progress,
)

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group(name="log")
def log_group() -> None:
    """Look into a Kafka log directory, whoever wrote it.

    DIR is a whole log directory, or the folder of one partition.

    \b
    Exit codes: 0 sound, 1 damaged, 2 usage or input error,
    3 not to be read here: messages of a format from before Kafka 0.11.

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
    found_codes: set[ExitCode] = set()
    with _input_errors():
        for path, found, file in _walk(_segments(directory)):
            if found is None:
                if not as_json:
                    click.echo(path)
            elif isinstance(found, Damage):
                found_codes.add(_echo_damage(found, as_json=as_json))
            elif isinstance(found, IndexFault):
                found_codes.add(_echo_index_fault(found, as_json=as_json))
            else:
                _echo_fields("batch", _batch_fields(path, found), as_json=as_json)
                if with_records:
                    for fields in _record_fields(file, found):
                        if "damaged" in fields:
                            found_codes.add(ExitCode.VIOLATED)
                        _echo_fields("  record", fields, as_json=as_json)
    _leave(found_codes)


@log_group.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@_JSON
def verify(directory: Path, as_json: bool) -> None:  # noqa: FBT001  click's flags
    """Compare every checksum and index entry; one line for each damaged place, and the sum.

    Sound batches after damage are looked for and counted; nothing is changed. A damaged index is
    made anew by recover.

    \b
    Example: iowitness log verify data --json
    """
    found_codes: set[ExitCode] = set()
    batch_count = byte_count = damage_count = 0
    started = time.monotonic()
    with _input_errors():
        paths = _segments(directory)
        with shown_progress("verifying", _byte_count(paths)) as advance:
            for _, found, _ in _walk(paths):
                if isinstance(found, Damage):
                    damage_count += 1
                    found_codes.add(_echo_damage(found, as_json=as_json))
                    advance(found.byte_count)
                elif isinstance(found, IndexFault):
                    damage_count += 1
                    found_codes.add(_echo_index_fault(found, as_json=as_json))
                elif found is not None:
                    batch_count += 1
                    byte_count += found.header.byte_count
                    advance(found.header.byte_count)
    fields: dict[str, object] = {
        "segments": len(paths),
        "batches": batch_count,
        "bytes": byte_count,
        "damaged_places": damage_count,
        "seconds": round(time.monotonic() - started, 3),
    }
    code = _worst(found_codes)
    _echo_fields(_SUMS[code], fields, as_json=as_json)
    raise SystemExit(code)


@log_group.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@click.option("--cut", is_flag=True, help="Cut at damage to synced bytes too, as Kafka does.")
@_JSON
def recover(directory: Path, cut: bool, as_json: bool) -> None:  # noqa: FBT001  click's flags
    """Recover after an unclean stop: cut the torn end, rebuild the indexes, say what was done.

    A torn end is cut; damage before it is only reported, unless --cut says otherwise. Recovering
    twice changes nothing. Stop the broker first: what another process has open is refused.

    \b
    Example: iowitness log recover data/topic-0
    """
    on_damage = OnDamage.CUT if cut else OnDamage.REFUSE
    try:
        with _input_errors(), shown_progress("recovering", 0) as advance:
            if _is_partition(directory):
                files = WatchedFiles(advance)
                reports = [recovered_partition(directory, files, on_damage)]
            elif (directory / CLEAN_SHUTDOWN).exists():
                _echo_told("clean", f"{directory}: stopped cleanly, nothing to recover", as_json)
                reports = []
            else:
                _segments(directory)
                reports = recovered_directory(directory, WatchedFiles(advance), on_damage)
    except OldFormat as error:
        _echo_told("not_read", f"NOT READ {error}", as_json)
        raise SystemExit(ExitCode.UNKNOWN) from None
    except (DamagedLog, CorruptBatch, CorruptIndex, CheckpointError) as error:
        _echo_told("damage", f"DAMAGED {error}", as_json)
        raise SystemExit(ExitCode.VIOLATED) from None
    for report in reports:
        _echo_report(report, as_json=as_json)


commands = (log_group,)

_SUMS = {
    ExitCode.HOLDS: "sound",
    ExitCode.VIOLATED: "DAMAGED",
    ExitCode.UNKNOWN: "NOT READ",
}


class _InputError(click.ClickException):
    exit_code = ExitCode.USAGE


@contextlib.contextmanager
def _input_errors() -> Iterator[None]:
    """A directory that cannot be used, or only later, is the asker's to mend: exit code 2."""
    try:
        yield
    except BrokenPipeError:  # whoever reads our lines has seen enough: click's own case
        raise
    except (OSError, DirectoryLocked) as error:
        raise _InputError(str(error)) from error


_Found: TypeAlias = BatchAt | Damage | IndexFault | None


def _walk(paths: list[str]) -> Iterator[tuple[str, _Found, OpenFile]]:
    """What is in each segment, after a None that says that one begins.

    Offsets rise over the segments of a folder too: one that goes back is damage.
    """
    folder, next_offset = "", 0
    for path in paths:
        file, base_offset = open_segment(path)
        if str(Path(path).parent) != folder:
            folder, next_offset = str(Path(path).parent), 0
        yield path, None, file
        indexes = IndexInspection(path, base_offset)
        is_damaged = False
        for found in inspected(file, max(base_offset, next_offset)):
            if isinstance(found, Damage):
                is_damaged = True
                indexes.skip_to(found.fault.position + found.byte_count)
            else:
                next_offset = found.header.next_offset
                for fault in indexes.see(found):
                    yield path, fault, file
            yield path, found, file
        if not is_damaged:
            for fault in indexes.finish(file.byte_count()):
                yield path, fault, file
        file.close()


def _is_partition(directory: Path) -> bool:
    return any(directory.glob("*.log"))


def _segments(directory: Path) -> list[str]:
    paths = log_paths(str(directory))
    if not paths:
        raise click.UsageError(f"{directory}: no segments, expected NNN.log files in it or below")
    return paths


def _byte_count(paths: list[str]) -> int:
    return sum(Path(path).stat().st_size for path in paths)


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


def _echo_told(kind: str, text: str, as_json: bool) -> None:  # noqa: FBT001  click's flag
    if as_json:
        _echo_fields(kind, {"reason": text}, as_json=True)
    else:
        click.echo(text)


def _echo_damage(damage: Damage, *, as_json: bool) -> ExitCode:
    fault, after = damage.fault, damage.resumes_at
    is_unread = isinstance(fault, OldFormat)
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
        _echo_fields("not_read" if is_unread else "damage", fields, as_json=True)
    else:
        then = "to the end of the file"
        if after is not None:
            then = f"then offset={after.header.base_offset} at byte {after.position}"
        click.echo(
            f"{'NOT READ' if is_unread else 'DAMAGED'} {fault}; {damage.byte_count} B, "
            f"offset={damage.expected_offset} on, {then}"
        )
    return ExitCode.UNKNOWN if is_unread else ExitCode.VIOLATED


def _echo_index_fault(fault: IndexFault, *, as_json: bool) -> ExitCode:
    if as_json:
        fields: dict[str, object] = {
            "file": fault.path,
            "entry": fault.number,
            "reason": fault.reason,
        }
        _echo_fields("damaged_index", fields, as_json=True)
    else:
        click.echo(f"DAMAGED {fault}")
    return ExitCode.VIOLATED


def _echo_report(recovered: RecoveredLog, *, as_json: bool) -> None:
    report = recovered.report
    fields: dict[str, object] = {
        "end_offset": recovered.end_offset,
        "scanned_segments": report.scanned_segment_count,
        "cuts": [str(cut) for cut in report.cuts] if as_json else len(report.cuts),
        "removed_files": report.removed if as_json else len(report.removed),
    }
    if as_json:
        _echo_fields("recovered", {"log": recovered.name, **fields}, as_json=True)
        return
    _echo_fields(f"{recovered.name}:", fields, as_json=False)
    for cut in report.cuts:
        click.echo(f"  CUT {cut}")
    for path in report.removed:
        click.echo(f"  removed {path}")


def _worst(codes: set[ExitCode]) -> ExitCode:
    """Damage is worse than what could not be read, which is worse than nothing."""
    order = (ExitCode.VIOLATED, ExitCode.UNKNOWN)
    return next((code for code in order if code in codes), ExitCode.HOLDS)


def _leave(codes: set[ExitCode]) -> NoReturn:
    raise SystemExit(_worst(codes))
