"""File systems shut down again and again under a log that flushes every append: nothing is lost.

    ./dev bench reliability/shutdown_loop [--shutdowns N] [--file-systems ext4,xfs] [--seed S]
                                          [--flush-records N]

Needs root. At moments that the seed draws, during recovery too, the kernel is told to stop a file
system of ours in a loop device: what was not on its way to the device is gone. It is mounted again,
and the log must have every value that was acknowledged, in order, and at most one more. The control
is `--flush-records 1000`: hardly an append is flushed, and values must be found lost.
"""

import argparse
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loop_images import CannotMount, LoopImage, die_with_parent, leave_if_missing, private_folder
from reported import print_head

from iowitness.impl.batch_reader import batches, records
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.errors import LogFenced, StorageError
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import LogDirectory
from iowitness.impl.log_files import RealFiles

IMAGE_BYTE_COUNTS: Final = {"ext4": 64 << 20, "xfs": 320 << 20}
ROUNDS_PER_IMAGE: Final = 100
FLAGS: Final = (0, 1, 2, 2)
"""Flush everything, flush the journal, flush nothing (twice as often)."""
DELAYS_S: Final = (0.002, 0.01, 0.03, 0.08)
APPENDS_PER_STOP: Final = 40
APPENDS_PER_CHECKPOINT: Final = 7
APPENDS_AFTER_ERROR: Final = 3
LONGEST_S: Final = 20.0


def settings(flush_record_count: int) -> LogConfig:
    """Small segments, so that they roll between two crashes."""
    return LogConfig(
        segment_byte_count=8_000,
        index_interval_byte_count=500,
        index_byte_count=4_096,
        flush_record_count=flush_record_count,
    )


def value(number: int) -> bytes:
    """The value at an offset, of a length of its own."""
    return b"value %d " % number * (1 + number % 9)


@dataclass(slots=True)
class Client:
    """What the writer was told of: `promised` values are there, and `sent` at most."""

    promised: int = 0
    sent: int = 0
    opened_count: int = 0

    def heard(self, line: str) -> str | None:
        """Takes in what the writer told; what is wrong with it."""
        word, _, rest = line.partition(" ")
        if word == "opened":
            number = int(rest)
            fault = self.fault_of(number)
            self.sent = number + 1
            self.opened_count += 1
            return fault
        if word == "acknowledged":
            self.promised = int(rest) + 1
            self.sent = self.promised + 1
            return None
        return line

    def fault_of(self, count: int) -> str | None:
        """Whether so many values may be there."""
        if self.promised <= count <= self.sent:
            return None
        return (
            f"{count} values found, expected {self.promised} (acknowledged) to {self.sent} (sent)"
        )


def write(path: str, config: LogConfig, told: int) -> None:
    """The child: opens, appends and acknowledges until the file system fails."""
    try:
        while True:
            directory = LogDirectory.open(path, config, RealFiles(), now_ms=0)
            try:
                log = directory.logs.get(("t", 0)) or directory.create(
                    "t", 0, topic_id="A" * 22, now_ms=0
                )
                os.write(told, b"opened %d\n" % log.end_offset)
                append(directory, log, told)
            finally:
                directory.close()
    except (OSError, LogFenced):
        pass  # The parent knows whether the file system was shut down.
    except StorageError as error:
        os.write(told, f"{type(error).__name__}: {error}\n".encode())


def append(directory: LogDirectory, log: Log, told: int) -> None:
    """Until the next clean stop. After an error it tries on: nothing may be acknowledged then."""
    for count in range(APPENDS_PER_STOP):
        try:
            append_next(log, told)
        except (OSError, LogFenced):
            for _ in range(APPENDS_AFTER_ERROR):
                with suppress(OSError, LogFenced):
                    append_next(log, told)
            raise
        if count % APPENDS_PER_CHECKPOINT == 0:
            directory.checkpoint()


def append_next(log: Log, told: int) -> None:
    """One value, acknowledged."""
    number = log.end_offset
    batch = encode_batch([(1_000, None, value(number), ())], stamp=ProducerStamp(7, 0, number))
    log.append(batch, now_ms=0)
    os.write(told, b"acknowledged %d\n" % number)


def forked(path: str, config: LogConfig) -> tuple[int, int]:
    """A writer's process id, and where to hear it."""
    hears, told = os.pipe()
    process_id = os.fork()
    if process_id == 0:
        try:
            die_with_parent()
            os.close(hears)
            write(path, config, told)
        finally:
            os._exit(0)
    os.close(told)
    return process_id, hears


def everything(hears: int) -> tuple[list[str], bool]:
    """All lines until the writer ends; whether it did."""
    told = bytearray()
    end_s = time.monotonic() + LONGEST_S
    while time.monotonic() < end_s:
        if select.select([hears], [], [], 1.0)[0]:
            part = os.read(hears, 65_536)
            if not part:
                return told.decode().splitlines(), True
            told += part
    return told.decode().splitlines(), False


@dataclass(frozen=True, slots=True)
class Moment:
    """When a file system stops, after its writer was started, and how."""

    delay_s: float
    flags: int

    def __str__(self) -> str:
        return f"flags={self.flags} after {self.delay_s * 1_000:.1f} ms"


def crash(disk: LoopImage, config: LogConfig, client: Client, moment: Moment) -> str | None:
    """One writer, one shutdown; the file system is not mounted any more afterwards."""
    writer, hears = forked(str(disk.folder / "log"), config)
    ended_early = False
    try:
        time.sleep(moment.delay_s)
        ended_early = os.waitpid(writer, os.WNOHANG)[0] != 0
        disk.shut_down(moment.flags)
        lines, ended = everything(hears)
    finally:
        os.close(hears)
        if not ended_early:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
    disk.unmount()
    faults = [fault for fault in map(client.heard, lines) if fault]
    if ended_early:
        faults.append("the writer ended before the shutdown")
    if not ended:
        faults.append(f"the writer ran on for {LONGEST_S} s after the shutdown")
    return faults[0] if faults else None


def checked(disk: LoopImage, config: LogConfig, client: Client) -> str | None:
    """What is wrong with the log after recovery; it is stopped cleanly."""
    try:
        directory = LogDirectory.open(str(disk.folder / "log"), config, RealFiles(), now_ms=0)
    except (OSError, StorageError) as error:
        return f"the folder does not open again: {type(error).__name__}: {error}"
    try:
        log = directory.logs.get(("t", 0))
        found = [] if log is None else values(log)
    finally:
        directory.close()
    if found != [value(number) for number in range(len(found))]:
        return f"{len(found)} values found, not those that were sent or not in order"
    return client.fault_of(len(found))


def values(log: Log) -> list[bytes]:
    """All of a log's, in order."""
    stored = b"".join(Path(segment.file.path).read_bytes() for segment in log.segments)
    return [record.value or b"" for batch in batches(stored) for record in records(batch)]


@dataclass(slots=True)
class Tally:
    """What came of the crashes of one kind of file system."""

    shutdown_count: int = 0
    acknowledged_count: int = 0
    unopened_count: int = 0
    faults: list[str] = field(default_factory=list)


def shut_down_often(
    disk: LoopImage, config: LogConfig, count: int, chance: random.Random, tally: Tally
) -> None:
    """So many crashes of one image. Ends with the first that is wrong, whose folder is kept."""
    client = Client()
    fault = None
    for left in reversed(range(count)):
        moment = Moment(chance.choice(DELAYS_S) * chance.uniform(0.5, 1.5), chance.choice(FLAGS))
        opened_count, promised = client.opened_count, client.promised
        disk.mount()
        fault = crash(disk, config, client, moment)
        tally.shutdown_count += 1
        tally.unopened_count += client.opened_count == opened_count
        tally.acknowledged_count += client.promised - promised
        # Every fourth is left to the next writer, whose recovery may then be cut short as well.
        if fault or not left or chance.random() < 0.75:
            disk.mount()
            fault = fault or checked(disk, config, client)
            if fault:
                kept = tempfile.mkdtemp(prefix="shutdown-loop-")
                shutil.copytree(disk.folder, kept, dirs_exist_ok=True)
                tally.faults.append(
                    f"{disk.kind}, shutdown {tally.shutdown_count}, {moment}: {fault}; "
                    f"kept as found, after recovery: {kept}"
                )
            disk.unmount()
        if fault:
            break


def run(kind: str, within: Path, asked: argparse.Namespace) -> Tally:
    """All shutdowns of one kind of file system, told in one line, also when it is stopped early."""
    began = time.monotonic()
    config = settings(asked.flush_records)
    chance = random.Random(f"{asked.seed} {kind}")
    tally = Tally()
    try:
        for start in range(0, asked.shutdowns, ROUNDS_PER_IMAGE):
            count = min(ROUNDS_PER_IMAGE, asked.shutdowns - start)
            disk = LoopImage.make(kind, within, IMAGE_BYTE_COUNTS[kind])
            shut_down_often(disk, config, count, chance, tally)
    except CannotMount as error:
        tally.faults.append(f"{kind}, shutdown {tally.shutdown_count}: {error}")
    finally:
        tell(kind, tally, time.monotonic() - began)
    return tally


def tell(kind: str, tally: Tally, seconds: float) -> None:
    """Every fault, and a line for the whole."""
    for fault in tally.faults:
        print(fault)
    print(
        f"{kind}: {tally.shutdown_count:,} shutdowns, {tally.unopened_count:,} of them before the "
        f"log was open, {tally.acknowledged_count:,} records acknowledged, {len(tally.faults)} "
        f"wrong, {seconds:.0f} s: {tally.shutdown_count / seconds:.1f} shutdowns/s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shutdowns", type=int, default=200, help="of each file system")
    parser.add_argument("--file-systems", default="ext4,xfs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flush-records", type=int, default=1)
    asked = parser.parse_args()
    kinds = asked.file_systems.split(",")
    if unknown := [kind for kind in kinds if kind not in IMAGE_BYTE_COUNTS]:
        parser.error(f"--file-systems {unknown[0]}, expected some of {','.join(IMAGE_BYTE_COUNTS)}")
    leave_if_missing(kinds)
    print_head(f"file system shutdowns, seed {asked.seed}")
    with private_folder() as within:
        tallies = [run(kind, within, asked) for kind in kinds]
    if any(tally.faults for tally in tallies):
        print(
            f"again: ./dev bench reliability/shutdown_loop --seed {asked.seed} --shutdowns "
            f"{asked.shutdowns} --file-systems {asked.file_systems} "
            f"--flush-records {asked.flush_records}"
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
