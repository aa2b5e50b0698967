"""docs/log.md shows what the commands say, on the recorded directory of a real Kafka."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from iowitness.log_commands import log_group

_ROOT = Path(__file__).parents[2]


def test_the_page_shows_what_the_commands_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(_ROOT / "tests/impl/recorded/torn", tmp_path / "torn-0")
    monkeypatch.chdir(tmp_path)
    (session,) = re.findall(r"```console\n(.*?)```", (_ROOT / "docs/log.md").read_text(), re.DOTALL)
    said = ""
    for command in re.findall(r"^\$ iowitness log (.*)$", session, re.MULTILINE):
        result = CliRunner().invoke(log_group, command.split())
        said += f"$ iowitness log {command}\n{result.stdout}"
    assert re.sub(r"seconds=[\d.]+", "seconds=S", said) == session
