"""The command group: every subcommand imports, and has help with an example that fits a screen."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from iowitness.command_line import iowitness

_NAMES = ("produce", "consume", "verify", "trace", "check", "compare", "log", "crash", "report")


def test_the_group_lists_every_subcommand_with_its_purpose() -> None:
    told = CliRunner().invoke(iowitness, ["--help"])
    assert told.exit_code == 0
    assert [name for name in _NAMES if f"\n  {name} " not in told.output] == []


@pytest.mark.parametrize("name", _NAMES)
def test_a_subcommands_help_fits_a_screen_and_shows_an_example(name: str) -> None:
    told = CliRunner().invoke(iowitness, [name, "--help"])
    assert told.exit_code == 0
    assert "Example: iowitness" in told.output
    assert len(told.output.splitlines()) <= 40


def test_a_usage_error_exits_2_and_names_the_command() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "iowitness", "no-such-command"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2
    assert "no-such-command" in told.stderr


def test_help_does_not_wait_for_the_model_or_the_broker() -> None:
    code = (
        "import sys; from click.testing import CliRunner; "
        "from iowitness.command_line import iowitness; "
        "CliRunner().invoke(iowitness, ['verify', '--help']); "
        "print([m for m in ('simpy', 'rich', 'lz4') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
