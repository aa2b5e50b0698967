"""The disk's digests stand for its files, whatever is lost."""

from hypothesis import given
from hypothesis import strategies as st

from iowitness.crash.disk import Disk
from iowitness.crash.exploration import state_of
from iowitness.crash.file_bytes import Fill, Loss
from iowitness.crash.operations import (
    AddEntry,
    Grow,
    MoveEntry,
    OpenBytes,
    Operation,
    Recording,
    RemoveEntry,
    SetSize,
    SettledBytes,
    SyncAll,
    SyncFile,
    SyncFolder,
    WriteBlock,
)
from iowitness.crash.persistence import MODELS
from iowitness.crash.states import Bounds, losses

FILES = (10, 11, 12)
SUB = 5


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """Three files in two folders, in any order of any operations."""
    inode = st.sampled_from(FILES)
    folder = st.sampled_from((0, SUB))
    name = st.sampled_from("abc")
    one = st.one_of(
        st.builds(lambda f, n, i: AddEntry(1, f, n, i), folder, name, inode),
        st.builds(lambda f, n: RemoveEntry(1, f, n), folder, name),
        st.builds(
            lambda f, n, g, m, i: MoveEntry(1, f, n, g, m, i, replaces=True),
            folder,
            name,
            folder,
            name,
            inode,
        ),
        st.builds(
            lambda i, o, d: WriteBlock(1, i, o, d),
            inode,
            st.integers(0, 40),
            st.binary(min_size=1, max_size=20),
        ),
        st.builds(lambda i, n: Grow(1, i, n), inode, st.integers(0, 60)),
        st.builds(lambda i, n: SetSize(1, i, n), inode, st.integers(0, 60)),
        st.builds(lambda i: SyncFile(1, i, 1_000), inode),
        st.builds(lambda f: SyncFolder(1, f, 1_000), folder),
        st.builds(lambda i: OpenBytes(1, i, 0, 30), inode),
        st.builds(lambda i: SettledBytes(1, i), inode),
        st.just(SyncAll(1, 1_000)),
    )
    operations: list[Operation] = [AddEntry(1, 0, "sub", SUB, is_folder=True)]
    operations += [AddEntry(1, 0, str(file), file) for file in FILES]
    operations += draw(st.lists(one, max_size=25))
    kept = {FILES[0]: draw(st.binary(max_size=60))} if draw(st.booleans()) else {}
    return Recording(tuple(operations), kept_contents=kept)


@given(recordings(), st.sampled_from(sorted(MODELS)))
def test_equal_digests_mean_equal_trees_and_unequal_ones_unequal_trees(
    recording: Recording, model_name: str
) -> None:
    model = MODELS[model_name]
    disk = Disk(recording, model)
    for number, operation in enumerate(recording.operations):
        disk.play(number, operation)
    by_digest: dict[int, object] = {}
    by_tree: dict[object, int] = {}
    for loss in losses(disk, model, Bounds(lost_count=2)):
        state = state_of(disk, loss)
        tree = (tuple(sorted(state.files(None).items())), tuple(state.folders()))
        assert by_digest.setdefault(state.digest, tree) == tree
        assert by_tree.setdefault(tree, state.digest) == state.digest


@given(recordings(), st.sampled_from(sorted(MODELS)))
def test_after_a_sync_of_everything_only_mapped_bytes_are_open(
    recording: Recording, model_name: str
) -> None:
    count = len(recording.operations)
    model = MODELS[model_name]
    disk = Disk(recording, model)
    for number, operation in enumerate([*recording.operations, SyncAll(1, count)]):
        disk.play(number, operation)
    assert not disk.pending
    sizes = {
        tuple(sorted((path, len(content)) for path, content in disk.files(loss).items()))
        for loss in losses(disk, model, Bounds())
    }
    assert len(sizes) == 1


@given(recordings(), st.sampled_from(sorted(MODELS)))
def test_the_whole_state_is_what_the_kernel_shows(recording: Recording, model_name: str) -> None:
    shown = Disk(recording, MODELS["weakest"])
    other = Disk(recording, MODELS[model_name])
    for number, operation in enumerate(recording.operations):
        shown.play(number, operation)
        other.play(number, operation)
    assert shown.files(Loss(fill=Fill.ZEROS)) == other.files(Loss(fill=Fill.ZEROS))
