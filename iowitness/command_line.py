"""The `iowitness` command: a group that imports a subcommand only when it is asked for."""

import importlib
import traceback
from typing import NoReturn

import click

from iowitness import __version__
from iowitness.exit_codes import ExitCode

_MODULES = {
    "verify": "verify_command",
    "trace": "trace_commands",
    "check": "check_commands",
    "compare": "check_commands",
    "simulate": "simulate_command",
    "calibrate": "calibrate_command",
    "produce": "produce_command",
    "consume": "consume_command",
    "log": "log_commands",
    "crash": "crash_commands",
    "report": "report_commands",
    "serve": "serve_command",
    "users": "users_commands",
}
"""Subcommand to the module of this package whose `commands` has it: start-up stays at click's."""


class _LazyGroup(click.Group):
    """A group that knows its subcommands' names, and imports the module of the one it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        module_name = _MODULES.get(cmd_name)
        if module_name is None:
            return None
        module = importlib.import_module(f"iowitness.{module_name}")
        commands: tuple[click.Command, ...] = module.commands
        return next(command for command in commands if command.name == cmd_name)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="iowitness")
def iowitness() -> None:
    """Show what a program's I/O really does, from its system calls, and predict it.

    \b
    Exit codes: 0 every contract holds, 1 something is violated, 2 usage or input
    error, 3 unknown: it cannot be told here, and the message says why.

    \b
    Example: iowitness verify
    """


def main() -> NoReturn:
    """The console script: runs the command and leaves with one of the documented exit codes.

    A bug of ours must not look like a verdict, so it has a code of its own.
    """
    try:
        iowitness.main(standalone_mode=False)
    except click.exceptions.Exit as exit_request:
        raise SystemExit(exit_request.exit_code) from None
    except click.Abort:
        click.echo("iowitness: interrupted", err=True)
        raise SystemExit(130) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(ExitCode.USAGE) from None
    except Exception:  # noqa: BLE001 - Python would exit 1, which here says "violated"
        traceback.print_exc()
        raise SystemExit(ExitCode.BUG) from None
    raise SystemExit(ExitCode.HOLDS)
