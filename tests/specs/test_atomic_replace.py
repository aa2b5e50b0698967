import pytest

from iowitness.specs.atomic_replace import AtomicReplace
from iowitness.specs.contract import judge
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File, Linked
from iowitness.traces.history import CUT_OFF, STILL_RUNNING, Gap
from tests.doubles.hand_written import HandWritten

FINAL = "/data/conf"
ASIDE = File(1, "/data/conf.tmp")
PLACE = File(2, FINAL)
FOLDER = File(3, "/data")
CLAIM = AtomicReplace(files="**/conf")


def judged(told: HandWritten, claim: AtomicReplace = CLAIM) -> Verdict:
    return judge(claim, told.history())


def replaced(leave_out: str = "") -> HandWritten:
    """A faultless replacement, without one of its steps."""
    told = HandWritten()
    told.opened(ASIDE, truncated=True)
    told.written(0, 100, ASIDE)
    if leave_out != "sync":
        told.synced(ASIDE)
    told.renamed(ASIDE, ASIDE.path, FINAL, replaced=PLACE)
    if leave_out != "folder sync":
        told.synced(FOLDER)
    return told


def test_written_aside_synced_renamed_and_folder_synced_holds() -> None:
    verdict = judged(replaced())
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "1 file replaced, each written aside and renamed"


def test_a_rename_before_the_sync_is_a_violation_unless_that_is_fine() -> None:
    verdict = judged(replaced("sync"))
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary == (
        "rename to data/conf while the pwrite64 at line 2 was not synced, expected fsync before "
        "the rename (data/conf.tmp, broker.strace:3)"
    )
    assert verdict.hint is not None
    claim = AtomicReplace(files="**/conf", sync_file="not-required")
    assert judged(replaced("sync"), claim).outcome is Outcome.HOLDS


def test_a_folder_that_is_never_synced_is_a_violation_unless_that_is_fine() -> None:
    verdict = judged(replaced("folder sync"))
    assert verdict.outcome is Outcome.VIOLATED
    assert "/data was not synced after rename" in verdict.summary
    claim = AtomicReplace(files="**/conf", sync_folder="not-required")
    assert judged(replaced("folder sync"), claim).outcome is Outcome.HOLDS


def test_a_folder_synced_before_the_rename_does_not_count() -> None:
    told = replaced("folder sync")
    rename = told.events.pop()
    told.synced(FOLDER)
    told.events.append(rename)
    assert judged(told).outcome is Outcome.VIOLATED


def test_writing_in_place_is_a_violation() -> None:
    told = HandWritten()
    told.opened(PLACE, size=50)
    told.written(0, 10, PLACE)
    assert "written in place" in judged(told).summary


def test_emptying_in_place_is_a_violation() -> None:
    told = HandWritten()
    told.opened(PLACE, size=50, truncated=True)
    assert "emptied in place" in judged(told).summary


def test_resizing_in_place_is_a_violation() -> None:
    told = HandWritten()
    told.resized(5, PLACE)
    assert "resized in place" in judged(told).summary


def test_writing_on_after_the_rename_is_in_place() -> None:
    told = replaced()
    told.written(100, 10, ASIDE)
    assert judged(told).outcome is Outcome.VIOLATED


def test_removing_the_old_one_first_is_a_violation() -> None:
    told = HandWritten()
    told.written(0, 100, ASIDE)
    told.synced(ASIDE)
    told.unlinked(PLACE, FINAL)
    told.renamed(ASIDE, ASIDE.path, FINAL)
    told.synced(FOLDER)
    assert "was removed before it was replaced" in judged(told).summary


def test_a_hard_link_publishes_as_a_rename_does() -> None:
    told = HandWritten()
    told.written(0, 100, ASIDE)
    told.add(Linked, "link", file=ASIDE, target_path=ASIDE.path, new_path=FINAL)
    told.synced(FOLDER)
    assert judged(told).outcome is Outcome.VIOLATED
    told = HandWritten()
    told.written(0, 100, ASIDE)
    told.synced(ASIDE)
    told.add(Linked, "link", file=ASIDE, target_path=ASIDE.path, new_path=FINAL)
    told.synced(FOLDER)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_sync_of_everything_covers_file_and_folder() -> None:
    told = HandWritten()
    told.written(0, 100, ASIDE)
    told.synced(None, scope="filesystem", call="sync")
    told.renamed(ASIDE, ASIDE.path, FINAL)
    told.synced(None, scope="filesystem", call="sync")
    assert judged(told).outcome is Outcome.HOLDS


@pytest.mark.parametrize("file", [None, File(7, "/data/met-but-never-written")])
def test_a_file_whose_writing_was_not_seen_is_unknown(file: File | None) -> None:
    told = HandWritten()
    told.renamed(file, "/data/other", FINAL)
    told.synced(FOLDER)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_a_shared_writable_mapping_makes_it_unknown() -> None:
    told = replaced()
    told.mapped(PLACE)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_other_renames_show_nothing() -> None:
    told = HandWritten()
    told.renamed(ASIDE, ASIDE.path, "/data/other")
    assert judged(told).outcome is Outcome.UNKNOWN
    told.renamed(ASIDE, ASIDE.path, FINAL, error="ENOENT")
    assert judged(told).outcome is Outcome.UNKNOWN


def test_a_selected_name_that_is_only_used_aside_is_told_to_belong_into_not_files() -> None:
    verdict = judged(replaced(), AtomicReplace(files="**/conf*"))
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.hint == (
        "data/conf.tmp became data/conf: a name that is only used aside belongs into not_files "
        "(--set aside=GLOB)"
    )


@pytest.mark.parametrize("reason", [CUT_OFF, f"{STILL_RUNNING}: 100"])
def test_a_folder_that_might_have_been_synced_after_the_trace_is_unknown(reason: str) -> None:
    history = replaced("folder sync").history(gaps=(Gap(reason=reason, line=9),))
    verdict = judge(CLAIM, history)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "was not synced after rename, expected fsync of the folder" in verdict.summary
    early = replaced("sync").history(gaps=(Gap(reason=reason, line=9),))
    assert judge(CLAIM, early).outcome is Outcome.VIOLATED
