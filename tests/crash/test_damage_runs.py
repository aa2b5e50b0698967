"""Damage anywhere in a log's folder is noticed or harmless, and never a wrong record."""

import os

import pytest

from iowitness.crash_run.damage_runs import Damage, damages, folder_after, run

_STEP = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 11


@pytest.mark.parametrize("clean", [True, False], ids=["clean stop", "unclean stop"])
def test_no_flip_and_no_cut_yields_a_wrong_record(clean: bool) -> None:
    folder = folder_after(clean=clean)
    outcomes = [run(folder, damage) for damage in list(damages(folder))[::_STEP]]
    assert [f"{one.damage}: {one.fault}" for one in outcomes if one.fault] == []
    assert sum(one.noticed is not None for one in outcomes) > len(outcomes) / 4


@pytest.mark.parametrize("clean", [True, False], ids=["clean stop", "unclean stop"])
def test_an_index_that_points_past_a_record_does_not_hide_it(clean: bool) -> None:
    # An entry whose offset was lowered made the lookup begin after the batch that it looked for.
    folder = folder_after(clean=clean)
    (index,) = (path for path in folder.contents if path.endswith("02.index"))
    assert run(folder, Damage(index, 3, 0x01)).fault is None
