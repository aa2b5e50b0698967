"""A broker on a small disk that fills up: clear errors, nothing acknowledged lost, work resumes.

    ./dev bench reliability/full_disk [--rounds N] [--file-systems ext4,xfs,tmpfs] [--seed S]

Needs root. In every round a broker takes values, is started anew on a disk with little room left,
which runs out, is stopped or killed, and started anew once there is room. Then every partition has
what was acknowledged, in order, and nothing twice or never sent. A clean-shutdown marker that the
full disk took must be true: recovery without it changes no log.
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
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loop_images import (
    CannotMount,
    LoopImage,
    Tmpfs,
    die_with_parent,
    leave_if_missing,
    private_folder,
)
from reported import print_head

from iowitness.impl.batch_reader import batches, records
from iowitness.impl.errors import StorageError
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_directory import CLEAN_SHUTDOWN, LogDirectory
from iowitness.impl.log_files import RealFiles
from iowitness.impl.producer import Producer, ProducerConfig
from iowitness.impl.producer_errors import ProducerError
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig

TOPIC: Final = "values"
LOG: Final = LogConfig(
    segment_byte_count=50_000,
    index_byte_count=16_384,
    index_interval_byte_count=1_000,
    flush_record_count=1,
)
CLIENT: Final = ProducerConfig(
    linger_ms=0, retries=0, max_block_ms=1_000, request_timeout_ms=5_000, delivery_timeout_ms=6_000
)
DISK_BYTE_COUNTS: Final = {"ext4": 16 << 20, "xfs": 320 << 20, "tmpfs": 8 << 20}
BLOCK_BYTE_COUNT: Final = 4_096
MOST_ROOM_BLOCKS: Final = 80
MOST_SENT: Final = 400
TRIES_AFTER_ERROR: Final = 2
LONGEST_S: Final = 20.0
TOLD: Final = 4
"""The exit code of a broker that ended with an error that it told."""


@dataclass(slots=True)
class Tally:
    """What came of the rounds of one kind of file system."""

    round_count: int = 0
    full_count: int = 0
    marker_count: int = 0
    acknowledged_count: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sent:
    """The values of one round, and what the clients and the operator were told of errors."""

    count: int = 0
    acknowledged: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class BrokerRun:
    """A broker in a process of its own; `port` is None if it told an error in place of starting."""

    def __init__(self, folder: Path) -> None:
        """Waits until it serves."""
        self._hears, told = os.pipe()
        self._process_id = os.fork()
        if self._process_id == 0:
            die_with_parent()
            os.close(self._hears)
            os._exit(served(str(folder), told))
        os.close(told)
        line = self._heard()
        self.port = int(line) if line.isdigit() else None
        self.error = "" if self.port else line

    def _heard(self) -> str:
        if not select.select([self._hears], [], [], LONGEST_S)[0]:
            return f"nothing told for {LONGEST_S} s"
        return os.read(self._hears, 65_536).decode().strip()

    def end(self, number: int) -> str | None:
        """Stop or kill it; what is wrong with how it ended."""
        with suppress(ProcessLookupError):
            os.kill(self._process_id, number)
        self.error = self.error or self._heard()
        os.close(self._hears)
        if self.error.startswith("nothing told"):
            with suppress(ProcessLookupError):
                os.kill(self._process_id, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self._process_id, 0)[1])
        if code in {0, TOLD, -signal.SIGKILL} and not self.error.startswith("nothing told"):
            return None
        return f"the broker ended with exit {code}: {self.error}"


def served(folder: str, told: int) -> int:
    """The child's whole life; its exit code."""
    try:
        # Its log lines tell every refusal once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        server = Server(folder, ServerConfig(log=LOG))
        server.stop_on(signal.SIGTERM)
        os.write(told, b"%d" % server.port)
        server.run()
    except (OSError, StorageError) as error:
        os.write(told, str(error).encode())
        return TOLD
    except BaseException:  # noqa: BLE001 - any other is what this looks for
        os.write(told, traceback.format_exc().encode())
        return 1
    return 0


def send(port: int, sent: Sent, count: int, chance: random.Random) -> None:
    """Values one after the other, until some were refused."""
    tries = TRIES_AFTER_ERROR
    with Producer(f"127.0.0.1:{port}", CLIENT) as producer:
        for _ in range(count):
            number = sent.count
            sent.count += 1
            try:
                padded = b"%d " % number + bytes(chance.randrange(4_000))
                producer.send(TOPIC, padded).result(LONGEST_S)
            except ProducerError as error:
                sent.errors.append(str(error))
                tries -= 1
                if tries < 0:
                    break
            else:
                sent.acknowledged.append(number)


def filled(folder: Path, room_byte_count: int) -> Path:
    """A file that takes all the room but so much."""
    spare = folder / "spare"
    with spare.open("wb", buffering=0) as file:
        for unit in (1 << 20, BLOCK_BYTE_COUNT):
            with suppress(OSError):
                while True:
                    end = os.fstat(file.fileno()).st_size
                    os.posix_fallocate(file.fileno(), end, unit)
        os.ftruncate(file.fileno(), max(0, os.fstat(file.fileno()).st_size - room_byte_count))
        os.fsync(file.fileno())
    return spare


def marker_fault(log: Path, copy: Path) -> str | None:
    """What recovery would change although the folder is marked as stopped cleanly."""
    shutil.copytree(log, copy)
    try:
        (copy / CLEAN_SHUTDOWN).unlink()
        before = {path: path.read_bytes() for path in copy.rglob("*.log")}
        LogDirectory.open(str(copy), LOG, RealFiles(), now_ms=0).close()
        after = {path: path.read_bytes() for path in copy.rglob("*.log")}
    except (OSError, StorageError) as error:
        return f"{CLEAN_SHUTDOWN} stands over a folder that does not open: {error}"
    else:
        return None if before == after else f"{CLEAN_SHUTDOWN} stands over a half state"
    finally:
        shutil.rmtree(copy)


def values_fault(log: Path, sent: Sent) -> str | None:
    """What is wrong with the values in the log, which was stopped cleanly."""
    directory = LogDirectory.open(str(log), LOG, RealFiles(), now_ms=0)
    try:
        if not directory.was_clean:
            return "not marked as stopped cleanly, though there was room"
        segments = directory.logs[TOPIC, 0].segments
        stored = b"".join(Path(segment.file.path).read_bytes() for segment in segments)
    finally:
        directory.close()
    found = [
        int((record.value or b"-1 ").split(b" ")[0])
        for batch in batches(stored)
        for record in records(batch)
    ]
    lost = sorted(set(sent.acknowledged) - set(found))
    if lost:
        return f"{len(lost)} acknowledged values lost: {lost[:5]}"
    if found != sorted(set(found)) or not set(found) <= set(range(sent.count)):
        return f"{len(found)} values found, out of order, twice or never sent"
    return None


def with_room(log: Path, sent: Sent, chance: random.Random) -> str | None:
    """A broker's life in which everything must be acknowledged."""
    known = len(sent.errors)
    broker = BrokerRun(log)
    if broker.port is not None:
        send(broker.port, sent, chance.randrange(1, 20), chance)
    fault = broker.end(signal.SIGTERM)
    if broker.error or len(sent.errors) > known:
        return fault or f"refused, though there was room: {[broker.error, *sent.errors[known:]]}"
    return fault


def full(log: Path, within: Path, sent: Sent, chance: random.Random, tally: Tally) -> str | None:
    """A broker's life in which the disk fills up."""
    spare = filled(log.parent, chance.randrange(MOST_ROOM_BLOCKS) * BLOCK_BYTE_COUNT)
    broker = BrokerRun(log)
    if broker.port is not None:
        send(broker.port, sent, MOST_SENT, chance)
    fault = broker.end(chance.choice((signal.SIGTERM, signal.SIGTERM, signal.SIGKILL)))
    told = [*sent.errors, broker.error]
    tally.full_count += any("No space left" in error for error in told)
    if (log / CLEAN_SHUTDOWN).exists():
        tally.marker_count += 1
        fault = fault or marker_fault(log, within / "copy")
    spare.unlink()
    return fault


def run(kind: str, within: Path, asked: argparse.Namespace) -> Tally:
    """All rounds on one disk, told in one line. Ends with the first that is wrong."""
    began = time.monotonic()
    chance = random.Random(f"{asked.seed} {kind}")
    tally = Tally()
    size = DISK_BYTE_COUNTS[kind]
    try:
        disk = Tmpfs.make(within, size) if kind == "tmpfs" else LoopImage.make(kind, within, size)
        disk.mount()
    except CannotMount as error:
        tally.faults.append(f"{kind}: {error}")
        return tally
    log = disk.folder / "log"
    while tally.round_count < asked.rounds and not tally.faults:
        tally.round_count += 1
        sent = Sent()
        fault = (
            with_room(log, sent, chance)
            or full(log, within, sent, chance, tally)
            or with_room(log, sent, chance)
            or values_fault(log, sent)
        )
        tally.acknowledged_count += len(sent.acknowledged)
        if fault:
            kept = tempfile.mkdtemp(prefix="full-disk-")
            shutil.copytree(log, kept, dirs_exist_ok=True)
            tally.faults.append(f"{kind}, round {tally.round_count}: {fault}; kept: {kept}")
        shutil.rmtree(log)
    disk.unmount()
    for fault in tally.faults:
        print(fault)
    seconds = time.monotonic() - began
    print(
        f"{kind}: {tally.round_count:,} rounds, {tally.full_count:,} told of no space, "
        f"{tally.marker_count:,} stopped cleanly all the same, {tally.acknowledged_count:,} "
        f"records acknowledged, {len(tally.faults)} wrong, {seconds:.0f} s",
        flush=True,
    )
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="of each file system")
    parser.add_argument("--file-systems", default="ext4,xfs,tmpfs")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    kinds = asked.file_systems.split(",")
    if unknown := [kind for kind in kinds if kind not in DISK_BYTE_COUNTS]:
        parser.error(f"--file-systems {unknown[0]}, expected some of {','.join(DISK_BYTE_COUNTS)}")
    leave_if_missing(kinds)
    print_head(f"full disks, seed {asked.seed}")
    with private_folder() as within:
        tallies = [run(kind, within, asked) for kind in kinds]
    if any(tally.faults for tally in tallies):
        print(
            f"again: ./dev bench reliability/full_disk --seed {asked.seed} "
            f"--rounds {asked.rounds} --file-systems {asked.file_systems}"
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
