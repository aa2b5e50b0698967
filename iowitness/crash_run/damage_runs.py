"""Every byte of every file of a log's folder flipped, and every file cut at every length.

No wrong record is ever returned in silence: the folder is refused with an error, or reading a batch
is, or what is read is what was written, whole or without the end that recovery reported as cut.

A batch's base offset is outside of its checksum in Kafka's format, so a flip there may hide records
that the offsets then pass over; what is read is still what was written, in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from iowitness.crash_run.image_files import ImageFiles
from iowitness.crash_run.promising_log import FLUSHING, ROOT, TOPIC, PromisingLog
from iowitness.crash_run.witnessed_files import WitnessedFiles
from iowitness.impl.batch_reader import batches, records
from iowitness.impl.errors import CorruptBatch, StorageError
from iowitness.impl.log_directory import CLEAN_SHUTDOWN, LogDirectory

MASKS: Final = (0x01, 0x80, 0xFF)


class Damage(Struct, frozen=True):
    """One file, spoiled at one byte: XORed with `mask`, or with 0 cut there."""

    path: str
    position: int
    mask: int

    def __str__(self) -> str:
        how = f"^ 0x{self.mask:02x}" if self.mask else "cut"
        return f"{self.path} at byte {self.position} {how}"


class DamageRun(Struct, frozen=True):
    """What came of one: `noticed` is the error that told of it, `fault` what went wrong."""

    damage: Damage
    noticed: str | None
    fault: str | None


class Folder(Struct, frozen=True):
    """A log's folder as it was left, and the values that were acknowledged."""

    contents: Mapping[str, bytes]
    folders: tuple[str, ...]
    values: tuple[bytes, ...]


def folder_after(*, clean: bool) -> Folder:
    """The folder of the small workload, after a clean stop or without the mark of one."""
    files = WitnessedFiles()
    log = PromisingLog(files)
    log.work()
    contents = files.contents(ROOT)
    if not clean:
        del contents[CLEAN_SHUTDOWN]
    return Folder(contents, tuple(files.folders(ROOT)), tuple(log.acknowledged))


def damages(folder: Folder) -> Iterator[Damage]:
    """Each flip of each byte, and each cut."""
    for path, content in sorted(folder.contents.items()):
        for position in range(len(content)):
            for mask in (0, *MASKS):
                yield Damage(path, position, mask)


def run(folder: Folder, damage: Damage) -> DamageRun:
    """Spoil, open, read everything."""
    content = bytearray(folder.contents[damage.path])
    if damage.mask:
        content[damage.position] ^= damage.mask
    else:
        del content[damage.position :]
    spoiled = {**folder.contents, damage.path: bytes(content)}
    files = ImageFiles(
        {f"{ROOT}/{path}": each for path, each in spoiled.items()}, [ROOT, *folder.folders]
    )
    try:
        found = _values(files)
    except (StorageError, OSError) as error:
        return DamageRun(damage, str(error), None)
    if found == list(folder.values):
        return DamageRun(damage, None, None)
    if damage.path.endswith(".log"):
        if found == list(folder.values[: len(found)]):
            return DamageRun(damage, "cut", None)
        if _is_in_base_offset(folder.contents[damage.path], damage) and _is_subsequence(
            found, folder.values
        ):
            return DamageRun(damage, None, None)
    return DamageRun(damage, None, f"read {found}, expected {list(folder.values)} or an error")


def _values(files: ImageFiles) -> list[bytes]:
    directory = LogDirectory.open(ROOT, FLUSHING, files, now_ms=0)
    log = directory.logs.get((TOPIC, 0))
    if log is None:
        return []
    found: list[bytes] = []
    offset = log.start_offset
    while offset < log.end_offset:
        region = log.read(offset, 1 << 20).region
        if region is None:
            break
        stored = region.file.read_at(region.byte_count, region.position)
        before = offset
        for batch in batches(stored):
            batch.check()
            found += [record.value or b"" for record in records(batch)]
            offset = batch.header.next_offset
        if offset <= before:
            raise CorruptBatch(f"no whole batch in {region.byte_count} B at offset={offset}")
    return found


def _is_in_base_offset(content: bytes, damage: Damage) -> bool:
    starts = _starts(content)
    return bool(damage.mask) and any(0 <= damage.position - start < 8 for start in starts)


def _starts(content: bytes) -> list[int]:
    starts = [0]
    for batch in batches(content):
        starts.append(starts[-1] + batch.header.byte_count)
    return starts[:-1]


def _is_subsequence(fewer: Sequence[bytes], more: Sequence[bytes]) -> bool:
    rest = iter(more)
    return all(any(one == other for other in rest) for one in fewer)
