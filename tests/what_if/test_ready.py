"""The what-ifs that come with the package: each runs, answers, and is told in every document."""

from pathlib import Path

import pytest

from iowitness.model.point_figures import FIGURE_KINDS
from iowitness.model.questions import QUESTIONS
from iowitness.what_if.answers import answer
from iowitness.what_if.documents import write_documents
from iowitness.what_if.ready import WhatIfNotFound, load_what_if, ready_names
from tests.doubles.small_what_ifs import simulated, small_plan


@pytest.mark.parametrize("name", ready_names())
def test_each_runs_and_is_told_in_every_document(name: str, tmp_path: Path) -> None:
    outcome = simulated(small_plan(name))
    for experiment in outcome.experiments:
        assert all(point.figures["stored_bytes_per_s"].mean > 0 for point in experiment.points)
        assert bool(answer(experiment)) == (experiment.experiment.name in QUESTIONS)
    write_documents(outcome, tmp_path)
    page = (tmp_path / "report.html").read_text()
    told = (tmp_path / "report.md").read_text()
    for sentence in (one for e in outcome.experiments for one in answer(e)):
        assert sentence.replace("'", "&#x27;") in page
        assert sentence in told


def test_every_question_is_asked_by_one_of_them() -> None:
    asked = {e.name for name in ready_names() for e in load_what_if(name).experiments}
    assert asked - {"what-if"} == QUESTIONS.keys()


def test_every_question_is_about_figures_that_exist() -> None:
    for question in QUESTIONS.values():
        assert set(question.figures) <= FIGURE_KINDS.keys()


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(WhatIfNotFound, match="expected a YAML file, or one of fsync-every-request"):
        load_what_if("perpetual-motion")
