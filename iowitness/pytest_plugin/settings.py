"""What the plugin was told: command line before pytest's ini file before the defaults.

Imported at every start of pytest, whoever uses the plugin: nothing heavy may be imported here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """`suite` is judged where no marker names one; `folder` is where artifacts stay, if anywhere.

    `suite_variables` are those of `suite`. `is_required` turns a machine on which nothing can be
    traced from a reason to skip into an error. `strace` is a program's name or path.
    """

    suite: str = ""
    suite_variables: tuple[tuple[str, str], ...] = ()
    folder: Path | None = None
    is_required: bool = False
    strace: str = "strace"


def add_options(parser: pytest.Parser) -> None:
    """The options of the command line, and the same ones of the ini file."""
    group = parser.getgroup("iowitness", "I/O contracts, judged on system calls (iowitness)")
    group.addoption(
        "--iowitness-suite",
        metavar="NAME|FILE",
        help="judge the traces of tests without the marker io_contract by this suite",
    )
    group.addoption(
        "--iowitness-set",
        metavar="NAME=VALUE",
        action="append",
        help="set a variable of that suite; may be given several times",
    )
    group.addoption(
        "--iowitness-dir",
        metavar="DIR",
        help="keep the raw trace, history and report of each test in DIR",
    )
    group.addoption(
        "--iowitness-require",
        action="store_true",
        default=None,
        help="fail where tracing is not possible, in place of skipping",
    )
    group.addoption("--iowitness-strace", metavar="PATH", help="the strace to use")
    parser.addini("iowitness_suite", "as --iowitness-suite", default="")
    parser.addini("iowitness_set", "as --iowitness-set, one a line", type="linelist")
    parser.addini("iowitness_dir", "as --iowitness-dir, relative to the ini file", default="")
    parser.addini("iowitness_require", "as --iowitness-require", type="bool", default=False)
    parser.addini("iowitness_strace", "as --iowitness-strace", default="strace")


def settings_of(config: pytest.Config) -> PluginSettings:
    """The settings in force; each option by itself goes command line, ini file, default.

    The variables belong to their suite: where the command line names one, those of the ini file
    are not set.
    """
    suite = config.getoption("iowitness_suite")
    given = config.getoption("iowitness_set") or []
    lines = given if suite else [*config.getini("iowitness_set"), *given]
    folder = config.getoption("iowitness_dir")
    required = config.getoption("iowitness_require")
    return PluginSettings(
        suite=suite or config.getini("iowitness_suite"),
        suite_variables=tuple(_variables(lines)),
        folder=Path(folder).absolute() if folder else _ini_folder(config),
        is_required=config.getini("iowitness_require") if required is None else required,
        strace=config.getoption("iowitness_strace") or config.getini("iowitness_strace"),
    )


def _ini_folder(config: pytest.Config) -> Path | None:
    named: str = config.getini("iowitness_dir")
    if not named:
        return None
    base = config.inipath.parent if config.inipath is not None else config.rootpath
    return base / named


def _variables(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise pytest.UsageError(f"iowitness_set={line!r}, expected NAME=VALUE")
        yield name.strip(), value.strip()
