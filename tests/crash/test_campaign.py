"""A campaign: the same sums in one process and in several, and after an interruption."""

from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from iowitness.crash.errors import CrashError
from iowitness.crash.operations import AddEntry, Grow, Recording, Said, SyncFile, WriteBlock
from iowitness.crash.state_name import StateName, read_state_name
from iowitness.crash.states import Bounds
from iowitness.crash_run.campaign import (
    STRETCH_PLACE_COUNT,
    ModelTotal,
    Question,
    run,
)
from iowitness.crash_run.folder_checker import Commands, FolderCheckers

COUNT = 2 * STRETCH_PLACE_COUNT


def judge(folder: Path, said: bytes) -> str | None:
    """Says that every byte that was told of has to be there."""
    file = folder / "a"
    held = file.read_bytes() if file.exists() else b""
    return None if len(held.rstrip(b"\0")) >= len(said) else f"lost of {len(said)} B"


def question(*, is_synced: bool) -> Question:
    operations = [AddEntry(1, 0, "a", 1)]
    for number in range(COUNT // 4):
        operations += [
            WriteBlock(2, 1, number, b"x"),
            Grow(2, 1, number + 1),
            *([SyncFile(3, 1, len(operations) + 2)] if is_synced else []),
            Said(4, 1, "pipe 1", 1, b"x"),
        ]
    recording = Recording(tuple(operations))
    return Question(
        recording, ("data-journal",), Bounds(), partial(FolderCheckers, judge=judge), "judge"
    )


def total(asked: Question, *, workers: int = 1, progress: Path | None = None) -> ModelTotal:
    summed = ModelTotal("data-journal")
    for stretch in run(asked, workers=workers, progress_file=progress):
        summed.add(stretch)
    return summed


def test_one_process_and_several_come_to_the_same() -> None:
    alone, together = (total(question(is_synced=False), workers=n) for n in (1, 2))
    assert alone.state_count == together.state_count > COUNT
    assert alone.fault_counts == together.fault_counts
    assert alone.failure_count > 0


def test_what_is_synced_before_it_is_told_of_is_not_lost() -> None:
    assert total(question(is_synced=True)).failures == []


def test_an_interrupted_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    progress = tmp_path / "progress.jsonl"
    asked = question(is_synced=False)
    first = list(islice(run(asked, workers=1, progress_file=progress), 1))
    with progress.open("ab") as stream:
        stream.write(b'{"key": "cut by the interr')
    assert [one.start for one in first] == [0]
    again = total(asked, progress=progress)
    assert again.fault_counts == total(asked).fault_counts
    assert again.state_count == total(asked).state_count


def test_another_question_starts_anew(tmp_path: Path) -> None:
    progress = tmp_path / "progress.jsonl"
    total(question(is_synced=False), progress=progress)
    assert total(question(is_synced=True), progress=progress).failures == []


def test_commands_see_the_state_and_what_was_said(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "a").write_text("held")
    assert (
        Commands("touch $STATE/b", 'test "$(cat $STATE/a)$(cat $SAID)" = heldsaid')(state, b"said")
        is None
    )
    assert (state / "b").exists()
    fault = Commands("", "echo broken: $STATE/a; exit 3")(state, b"")
    assert fault == "'echo broken: $STATE/a; exit 3' ended with exit 3: broken: $STATE/a"
    assert "within" in str(Commands("", "sleep 5", limit_s=0.2)(state, b""))


def test_a_states_name_reads_back_and_others_are_refused() -> None:
    for text in ("weakest:3:1+2:-:kept", "btrfs:0:-:4@512t:garbage", "xfs:9:7:7@10h:zeros"):
        assert str(read_state_name(text, 10)) == text
    assert isinstance(read_state_name("xfs:0:-:-:kept", 1), StateName)
    for text in ("xfs:1:-:-:kept", "zfs:0:-:-:kept", "xfs:0", "xfs:0:-:-:none"):
        with pytest.raises(CrashError, match="state="):
            read_state_name(text, 1)
