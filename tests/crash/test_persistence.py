"""What each persistence model may leave of programs whose fate is known."""

from collections.abc import Iterable

import pytest

from iowitness.crash.disk import Disk
from iowitness.crash.operations import (
    AddEntry,
    FailedSync,
    Grow,
    MoveEntry,
    Operation,
    Recording,
    SyncFile,
    SyncFolder,
    WriteBlock,
)
from iowitness.crash.persistence import MODELS
from iowitness.crash.states import Bounds, losses

OLD, NEW = b"old", b"new!"
FILE, ASIDE = 1, 2


def outcomes(
    operations: Iterable[Operation],
    model_name: str,
    *,
    initial: bool = True,
    bounds: Bounds | None = None,
) -> set[bytes | None]:
    """The contents that `a` may have if the machine stops after the last operation."""
    names = ((0, "a", FILE, False),) if initial else ()
    contents = {FILE: OLD} if initial else {}
    recording = Recording(tuple(operations), names, contents)
    disk = Disk(recording, MODELS[model_name])
    for number, operation in enumerate(recording.operations):
        disk.play(number, operation)
    found = losses(disk, MODELS[model_name], bounds or Bounds())
    return {disk.files(loss).get("a") for loss in found}


def replacing(*, is_synced: bool) -> list[Operation]:
    operations: list[Operation] = [
        AddEntry(1, 0, "a.tmp", ASIDE),
        WriteBlock(2, ASIDE, 0, NEW),
        Grow(2, ASIDE, len(NEW)),
    ]
    if is_synced:
        operations.append(SyncFile(3, ASIDE, 3))
    return [*operations, MoveEntry(4, 0, "a.tmp", 0, "a", ASIDE, replaces=True)]


def is_garbage(content: bytes | None) -> bool:
    return content is not None and len(content) == len(NEW) and content not in {NEW, bytes(4)}


@pytest.mark.parametrize("model", sorted(MODELS))
def test_write_aside_sync_and_rename_leaves_the_old_or_the_new(model: str) -> None:
    assert outcomes(replacing(is_synced=True), model) == {OLD, NEW}


@pytest.mark.parametrize("model", ["ext4-ordered", "btrfs", "data-journal"])
def test_a_rename_without_a_sync_is_safe_where_it_waits_for_the_bytes(model: str) -> None:
    assert outcomes(replacing(is_synced=False), model) == {OLD, NEW}


def test_a_rename_without_a_sync_may_leave_an_empty_file_on_xfs() -> None:
    assert outcomes(replacing(is_synced=False), "xfs") == {OLD, NEW, b""}


def test_a_rename_without_a_sync_may_leave_anything_on_the_weakest() -> None:
    found = outcomes(replacing(is_synced=False), "weakest")
    assert {OLD, NEW, b"", bytes(4)} <= found
    assert any(map(is_garbage, found))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("weakest", {NEW, None}),  # the name itself was never synced
        ("ext4-ordered", {NEW}),  # fsync commits the journal, the name in it
        ("xfs", {NEW}),
        ("btrfs", {NEW}),  # the tree log has the file's names
        ("data-journal", {NEW}),
    ],
)
def test_an_fsync_of_a_new_file_keeps_its_name_only_where_the_journal_does(
    model: str, expected: set[bytes | None]
) -> None:
    operations = [
        AddEntry(1, 0, "a", FILE),
        WriteBlock(2, FILE, 0, NEW),
        Grow(2, FILE, 4),
        SyncFile(3, FILE, 3),
    ]
    assert outcomes(operations, model, initial=False) == expected


@pytest.mark.parametrize("model", sorted(MODELS))
def test_file_and_folder_synced_is_durable_everywhere(model: str) -> None:
    operations = [
        AddEntry(1, 0, "a", FILE),
        WriteBlock(2, FILE, 0, NEW),
        Grow(2, FILE, 4),
        SyncFile(3, FILE, 3),
        SyncFolder(4, 0, 4),
    ]
    assert outcomes(operations, model, initial=False) == {NEW}


@pytest.mark.parametrize("model", sorted(MODELS))
def test_bytes_whose_sync_failed_are_lost_although_a_later_sync_succeeds(model: str) -> None:
    operations = [WriteBlock(1, FILE, 0, b"xyz"), FailedSync(2, FILE), SyncFile(3, FILE, 2)]
    assert outcomes(operations, model) >= {OLD, b"xyz"}


def test_an_append_shows_its_growth_without_its_bytes_only_on_the_weakest() -> None:
    append = [WriteBlock(1, FILE, 3, b"+++"), Grow(1, FILE, 6)]
    for model in MODELS:
        found = outcomes(append, model, bounds=Bounds(is_tearing=False))
        hole = {one for one in found if one not in {OLD, b"old+++"}}
        assert bool(hole) == (model == "weakest")


def test_a_later_write_to_a_page_carries_the_earlier_one_but_not_on_the_weakest() -> None:
    two = [WriteBlock(1, FILE, 0, b"O"), WriteBlock(2, FILE, 2, b"D")]
    assert outcomes(two, "ext4-ordered") == {OLD, b"Old", b"OlD"}
    assert outcomes(two, "weakest") == {OLD, b"Old", b"olD", b"OlD"}


def test_a_block_tears_at_sectors_and_keeps_head_or_tail() -> None:
    block = WriteBlock(1, FILE, 0, b"n" * 1_024)
    found = outcomes([block, Grow(1, FILE, 1_024)], "ext4-ordered")
    assert b"n" * 512 + bytes(512) not in found  # the size waits for all of its bytes
    written = outcomes(
        [WriteBlock(1, FILE, 0, b"n" * 1_024), Grow(1, FILE, 1_024)],
        "weakest",
        bounds=Bounds(lost_count=0),
    )
    assert {b"n" * 512 + bytes(512), OLD + bytes(509) + b"n" * 512} <= written


def test_pairs_are_lost_together() -> None:
    three = [WriteBlock(i, FILE, i, b"%d" % i) for i in range(3)]
    singles = outcomes(three, "weakest", bounds=Bounds(lost_count=1))
    pairs = outcomes(three, "weakest", bounds=Bounds(lost_count=2))
    assert b"0ld" in pairs - singles
