"""docs/tutorial.md, carried out: its files written, its commands run, its output compared."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.ptrace_here import needs_strace

pytestmark = [pytest.mark.live, needs_strace]

_PAGE = Path(__file__).parents[2] / "docs/tutorial.md"
_STEP = re.compile(
    r"^`(?P<file>[\w.]+)`:\n\n```python\n(?P<code>.*?)```"
    r"|^```console\n\$ (?P<command>.*?)\n(?P<output>.*?)```",
    re.MULTILINE | re.DOTALL,
)
_CHANGING = (
    (re.compile(r"\d+<[^>]*>"), "N<FILE>"),
    (re.compile(r"/\S*/kept/"), "KEPT/"),
    (re.compile(r"/\S*/(pytest-\d+|base)/"), "TEMPORARY/"),
    (re.compile(r"0x[0-9a-f]+"), "0xADDRESS"),
    (re.compile(r"<?\b\d+(\.\d+)?s?\b>?"), "N"),
    (re.compile(r"[_=-]{4,}"), "--"),
    (re.compile(r" +"), " "),
)
"""What differs from run to run: folders, addresses, numbers, and how long a rule or a path is."""

_PIPELINE_NAMES = ("CI", "BUILD_NUMBER")


class Project:
    """The reader's folder, and the commands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, code: str) -> None:
        (self.folder / name).write_text(code)

    def run(self, command: str) -> str:
        """What a command prints, as on a terminal of 100 columns."""
        public = self.folder / "base" / "test_a_file_arrives_whole0" / "public"
        program, *words = command.replace("$PUBLIC", str(public)).split()
        if program == "pytest":
            words += ["-p", "iowitness.pytest_plugin", "-p", "no:cacheprovider"]
            words.append(f"--basetemp={self.folder / 'base'}")
        told = subprocess.run(
            [sys.executable, "-m", program, *(part for word in words for part in self._fit(word))],
            cwd=self.folder,
            env=_on_a_terminal(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert told.stderr == ""
        return told.stdout

    def _fit(self, word: str) -> list[str]:
        """The files that a pattern stands for, as a shell finds them."""
        return sorted(map(str, self.folder.glob(word))) if "*" in word else [word]


def _on_a_terminal() -> dict[str, str]:
    """pytest does not shorten its lines where these names say that a pipeline runs it."""
    kept = {name: value for name, value in os.environ.items() if name not in _PIPELINE_NAMES}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "100"}


def _compared(text: str) -> Iterator[str]:
    for line in text.splitlines():
        shown = line
        for pattern, word in _CHANGING:
            shown = pattern.sub(word, shown)
        if shown.strip():
            yield shown.strip()


def test_every_step_does_what_the_page_says(tmp_path: Path) -> None:
    project = Project(tmp_path)
    outputs = []
    for step in _STEP.finditer(_PAGE.read_text()):
        if step["file"]:
            project.write(step["file"], step["code"])
        else:
            output = project.run(step["command"])
            assert list(_compared(output)) == list(_compared(step["output"]))
            outputs.append(output)
    passed, failed, checked = outputs
    assert "1 passed" in passed
    assert "E   " in failed
    assert "VIOLATED zero-copy-reads" in failed
    assert "VIOLATED zero-copy-reads" in checked


def test_the_test_without_iowitness_does_not_see_the_regression(tmp_path: Path) -> None:
    project = Project(tmp_path)
    codes: dict[str, list[str]] = {}
    for step in _STEP.finditer(_PAGE.read_text()):
        if step["file"]:
            codes.setdefault(step["file"], []).append(step["code"])
    for code in codes["blobs.py"]:
        project.write("test_blobs.py", codes["test_blobs.py"][0])
        project.write("blobs.py", code)
        assert "1 passed" in project.run("pytest -q")


def test_the_first_example_of_the_plugins_page_passes(tmp_path: Path) -> None:
    page = (_PAGE.parent / "pytest.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    project = Project(tmp_path)
    project.write("test_journal.py", code[1])
    assert "1 HOLDS" in project.run("pytest -q")
