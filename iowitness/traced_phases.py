"""`--phase` of `iowitness trace`: marks written by a shell around commands, within the trace."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

_MARK = "printf %s iowitness:{verb}:{name} >&- 2>/dev/null"
"""A mark in a shell: standard output is closed for this one write, which fails and does nothing."""


class PhaseUsage(Exception):
    """What `--phase` was given does not fit what is to be traced; the message says how it would."""


@dataclass(frozen=True, slots=True)
class TracedPhases:
    """What to run, and of which phase to print the figures (None for all of the trace)."""

    command: tuple[str, ...]
    picked: str | None


def _marked(verb: str, name: str) -> str:
    return _MARK.format(verb=verb, name=shlex.quote(name))


def traced_phases(command: Sequence[str], phases: Sequence[str], *, runs: bool) -> TracedPhases:
    """The command with marks around it or its stages.

    `NAME=COMMAND`, several times, are stages that a shell runs in turn. `NAME` with a command
    brackets it: its process writes the mark and becomes the command. Where nothing is run (`runs`
    is False), `NAME` picks a phase of the trace. Raises PhaseUsage.
    """
    if not runs:
        if len(phases) > 1:
            raise PhaseUsage(f"--phase={list(phases)}, expected one phase to pick")
        return TracedPhases(tuple(command), phases[0] if phases else None)
    if not command:
        return TracedPhases(("sh", "-c", _script(phases)), None)
    if len(phases) != 1:
        return TracedPhases(tuple(command), None) if not phases else _refused(phases)
    if shutil.which(command[0]) is None:
        raise PhaseUsage(f"command={command[0]}, expected a program that can be run")
    script = f'{_marked("begin", phases[0])}; exec "$@"'
    return TracedPhases(("sh", "-c", script, "sh", *command), phases[0])


def _refused(phases: Sequence[str]) -> TracedPhases:
    raise PhaseUsage(
        f"--phase={list(phases)} with a command, expected one name; several stages are "
        "--phase NAME=COMMAND each, without a command behind --"
    )


def _script(phases: Sequence[str]) -> str:
    """The stages in turn; the first that fails ends them, with its status."""
    lines: list[str] = []
    for phase in phases:
        name, equals, command = phase.partition("=")
        if not (name and equals and command.strip()):
            raise PhaseUsage(f"--phase={phase}, expected NAME=COMMAND, or a command behind --")
        stage = f"sh -c {shlex.quote(command)} || exit"
        lines += [_marked("begin", name), stage, _marked("end", name)]
    return "\n".join([*lines, "exit 0"])
