"""The command group: every subcommand imports, and has help with an example that fits a screen."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from iowitness.command_line import iowitness

_SCREEN_LINES, _SCREEN_COLUMNS = 40, 80


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The path of every command of a group, of groups within it too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*path, name)
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from _commands(found, (*path, name))


_PATHS = tuple(_commands(iowitness, ()))


def _help(*path: str) -> str:
    told = CliRunner(env={"COLUMNS": "80"}).invoke(iowitness, [*path, "--help"])
    assert told.exit_code == 0
    return told.output


def test_the_group_lists_every_subcommand_with_its_purpose() -> None:
    told = _help()
    assert {"verify", "trace", "check", "compare"} <= {name for name, *_ in _PATHS}
    assert [name for name, *_ in _PATHS if f"\n  {name} " not in told] == []


@pytest.mark.parametrize("path", [(), *_PATHS], ids=lambda path: " ".join(path) or "iowitness")
def test_its_help_fits_a_screen_and_shows_an_example(path: tuple[str, ...]) -> None:
    lines = _help(*path).splitlines()
    assert f"Example: {' '.join(('iowitness', *path))}" in " ".join(map(str.strip, lines))
    assert len(lines) <= _SCREEN_LINES
    assert [line for line in lines if len(line) > _SCREEN_COLUMNS] == []


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
