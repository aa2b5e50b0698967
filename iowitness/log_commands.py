"""`iowitness log dump | verify | recover`: what is in a Kafka log directory, and is it sound."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from iowitness.exit_codes import ExitCode
from iowitness.impl.batch_format import BatchHeader
from iowitness.impl.batch_reader import records
from iowitness.impl.errors import CorruptBatch, StorageError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import CLEAN_SHUTDOWN, LogDirectory, partition_of
from iowitness.impl.log_files import RealFiles
from iowitness.impl.log_inspection import Damage, inspected, log_paths
from iowitness.impl.log_reading import read_batch
from iowitness.impl.recovery import OnDamage, RecoveryReport
from iowitness.impl.segment import BatchAt, Segment

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
    for path in _logs(directory):
        click.echo(path, err=as_json)
        for segment, found in inspected(path):
            if isinstance(found, Damage):
                damaged = True
                click.echo(_damage_line(found, as_json=as_json))
                continue
            click.echo(_batch_line(path, found, as_json=as_json))
            if with_records:
                for line in _record_lines(segment, found, as_json=as_json):
                    click.echo(line)
    _leave(damaged=damaged)


@log_group.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@_JSON
def verify(directory: Path, as_json: bool) -> None:  # noqa: FBT001  click's flags
    """Compare every checksum; one line for each damaged place, and the sum.

    Batches after damage are looked for and counted: nothing is changed.

    \b
    Example: iowitness log verify data --json
    """
    paths = _logs(directory)
    batch_count = byte_count = 0
    damages: list[Damage] = []
    started = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("verifying", total=sum(Path(path).stat().st_size for path in paths))
        for path in paths:
            for _, found in inspected(path):
                if isinstance(found, Damage):
                    damages.append(found)
                    click.echo(_damage_line(found, as_json=as_json))
                    progress.advance(task, found.byte_count)
                    continue
                batch_count += 1
                byte_count += found.header.byte_count
                progress.advance(task, found.header.byte_count)
    seconds = time.monotonic() - started
    summary = {
        "segments": len(paths),
        "batches": batch_count,
        "bytes": byte_count,
        "damaged_places": len(damages),
        "seconds": round(seconds, 3),
    }
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        click.echo(" ".join(f"{name}={value}" for name, value in summary.items()))
    _leave(damaged=bool(damages))


@log_group.command()
@click.argument("directory", metavar="DIR", type=_DIRECTORY)
@click.option("--cut", is_flag=True, help="Cut at damage to synced bytes too, as Kafka does.")
@click.option("--segment-bytes", default=1 << 30, show_default=True, help="The log's segment.bytes.")
def recover(directory: Path, cut: bool, segment_bytes: int) -> None:  # noqa: FBT001  click's flags
    """Recover after an unclean stop: cut the torn end, rebuild the indexes, say what was done.

    A torn end is cut; damage before it is only reported, unless --cut says otherwise. Recovering
    twice changes nothing.

    \b
    Example: iowitness log recover data/topic-0
    """
    config = LogConfig(segment_byte_count=segment_bytes)
    on_damage = OnDamage.CUT if cut else OnDamage.REFUSE
    files = RealFiles()
    now_ms = time.time_ns() // 1_000_000
    try:
        if _is_partition(directory):
            log = Log.open(str(directory), config, files, now_ms=now_ms)
            _report(str(directory), log.recovery, log.end_offset)
            log.close()
            return
        if (directory / CLEAN_SHUTDOWN).exists():
            click.echo(f"{directory}: stopped cleanly, nothing to recover")
            return
        logs = LogDirectory.open(
            str(directory), config, files, now_ms=now_ms, on_damage=on_damage
        )
        for name, log in logs.logs.items():
            _report(f"{name[0]}-{name[1]}", log.recovery, log.end_offset)
        logs.close()
    except StorageError as error:
        click.echo(f"DAMAGED {error}")
        _leave(damaged=True)
