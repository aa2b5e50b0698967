"""docs/what-if.md: every example is run as it stands, and every table and name in it is true."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from iowitness.model.questions import QUESTIONS
from iowitness.simulate_command import simulate

_PAGE = (Path(__file__).parents[2] / "docs/what-if.md").read_text("utf-8")
_FILES = dict(re.findall(r"```yaml\n# (\S+\.yaml)\n(.*?)```", _PAGE, re.DOTALL))
_COMMANDS = re.findall(r"```sh\niowitness simulate ([^\n]+\.yaml[^\n]*)\n```", _PAGE)


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_example_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in _FILES.items():
        Path(name).write_text(text)
    result = CliRunner().invoke(simulate, command.split())
    assert result.exit_code == 0, result.output
    assert (tmp_path / "artifacts" / Path(command.split()[0]).stem / "report.html").is_file()


def test_every_file_of_the_page_is_run_by_one_of_its_commands() -> None:
    assert {command.split()[0] for command in _COMMANDS} == _FILES.keys()
    assert len(_FILES) == 5


def test_the_table_of_questions_has_them_all() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", _PAGE, re.MULTILINE)) == QUESTIONS.keys()
