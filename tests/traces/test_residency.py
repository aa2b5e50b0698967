"""What is in the page cache, by both of the kernel's answers."""

import os
from pathlib import Path

import pytest

from iowitness.traces.residency import PAGE_BYTE_COUNT, by_cachestat, by_mincore, residency


def test_a_file_just_written_is_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(os.urandom(10 * PAGE_BYTE_COUNT + 1))
    assert residency(path).cached >= 11


def test_an_empty_file_has_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert residency(path).cached == 0
    with path.open("rb") as file:
        assert by_mincore(file.fileno()).cached == 0


def test_both_answers_agree(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(os.urandom(7 * PAGE_BYTE_COUNT))
    with path.open("rb") as file:
        counted = by_cachestat(file.fileno())
        if counted is None:
            pytest.skip("cachestat needs Linux 6.5")
        assert counted.cached == by_mincore(file.fileno()).cached == 7
