"""Where suites come from: those that come with the package, and files."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import cast

from iowitness.specs.contract import AnyContract, Contract
from iowitness.specs.suite_value import DEFAULT_CONTENT_BYTE_COUNT, Suite, SuiteError
from iowitness.specs.suite_variables import unset_variables
from iowitness.specs.suite_yaml import NO_SETTINGS, read_suite

__all__ = [
    "DEFAULT_CONTENT_BYTE_COUNT",
    "Suite",
    "SuiteError",
    "SuiteNotFound",
    "kinds_needed_by",
    "load_suite",
    "ready_suite_names",
]


class SuiteNotFound(Exception):
    """Neither a ready suite nor a file has that name."""


def ready_suite_names() -> tuple[str, ...]:
    """The suites that come with the package."""
    entries = resources.files("iowitness.specs").iterdir()
    return tuple(
        sorted(one.name.removesuffix(".yaml") for one in entries if one.name.endswith(".yaml"))
    )


def kinds_needed_by(path_or_ready_name: str | Path) -> frozenset[str]:
    """The kinds of event without which a suite's contracts for traces cannot be shown.

    Variables that have to be set need not be: no contract needs other events for another file.
    """
    text, source_name = _text_of(path_or_ready_name)
    # "1" is a glob, a port, a number and a name.
    suite = read_suite(text, source_name, dict.fromkeys(unset_variables(text, source_name), "1"))
    return frozenset(kind for one in suite.contracts_for_traces for kind in _needs(one))


def _needs(contract: AnyContract) -> frozenset[str]:
    """The kinds of event that a contract needs, or the parts of a composite one."""
    parts = getattr(contract, "parts", None)
    if parts is None:
        return cast("Contract", contract).needs
    return frozenset(kind for part in parts for kind in _needs(part))


def load_suite(path_or_ready_name: str | Path, settings: Mapping[str, str] = NO_SETTINGS) -> Suite:
    """A ready suite by its name, or the suite in a YAML file, its variables set by `settings`.

    Raises `SuiteError` with everything that is wrong with it, `SuiteNotFound` where there is none.
    """
    text, source_name = _text_of(path_or_ready_name)
    return read_suite(text, source_name, settings)


def _text_of(path_or_ready_name: str | Path) -> tuple[str, str]:
    """A suite's text, and the name that messages give it."""
    asked = str(path_or_ready_name)
    if asked in ready_suite_names():
        name = f"{asked}.yaml"
        return (resources.files("iowitness.specs") / name).read_text("utf-8"), name
    path = Path(path_or_ready_name)
    if not path.is_file():
        known = ", ".join(ready_suite_names())
        raise SuiteNotFound(f"suite={asked!r}, expected one of {known}, or the path of a YAML file")
    return path.read_text("utf-8"), str(path)
