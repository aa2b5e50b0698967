"""The file of finished runs: what an interruption leaves, and what is taken over from it."""

import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iowitness.what_if.point_result import PointResult
from iowitness.what_if.results_file import ResultsFile


def _result(number: float) -> bytes:
    return msgspec.json.encode(PointResult(figures={"seek_count": number}))


def _write(path: Path, count: int) -> None:
    with ResultsFile(path) as results:
        for number in range(count):
            results.add(f"key-{number}", _result(number))


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    _write(path, 3)
    with ResultsFile(path) as again:
        assert {key: one.figures["seek_count"] for key, one in again.results.items()} == {
            "key-0": 0,
            "key-1": 1,
            "key-2": 2,
        }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1))
def test_a_file_cut_anywhere_keeps_its_whole_lines_and_goes_on(
    tmp_path: Path, share: float
) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    if not whole.exists():
        _write(whole, 4)
    shutil.copy(whole, path)
    content = whole.read_bytes()
    length = round(share * len(content))
    path.write_bytes(content[:length])
    with ResultsFile(path) as results:
        # A line whose last byte alone is missing is whole in everything that counts.
        ends = [end for end, byte in enumerate(content) if byte == ord("\n") and end <= length]
        assert len(results.results) == len(ends)
        results.add("more", _result(7))
    with ResultsFile(path) as again:
        assert again.results["more"].figures == {"seek_count": 7}
        assert len(again.results) == len(ends) + 1


def test_results_of_another_model_are_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    with monkeypatch.context() as patched:
        patched.setattr("iowitness.what_if.results_file.model_digest", lambda: "other")
        _write(path, 2)
    with ResultsFile(path) as results:
        assert results.results == {}
