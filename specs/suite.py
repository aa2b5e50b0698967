"""Where suites come from: those that come with the package, and files."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from iowitness.specs.suite_value import DEFAULT_CONTENT_BYTE_COUNT, Suite, SuiteError
from iowitness.specs.suite_yaml import NO_SETTINGS, read_suite

__all__ = [
    "DEFAULT_CONTENT_BYTE_COUNT",
    "Suite",
    "SuiteError",
    "SuiteNotFound",
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


def load_suite(path_or_ready_name: str | Path, settings: Mapping[str, str] = NO_SETTINGS) -> Suite:
    """A ready suite by its name, or the suite in a YAML file, its variables set by `settings`.

    Raises `SuiteError` with everything that is wrong with it, `SuiteNotFound` where there is none.
    """
    asked = str(path_or_ready_name)
    if asked in ready_suite_names():
        name = f"{asked}.yaml"
        text = (resources.files("iowitness.specs") / name).read_text("utf-8")
        return read_suite(text, name, settings)
    path = Path(path_or_ready_name)
    if not path.is_file():
        known = ", ".join(ready_suite_names())
        raise SuiteNotFound(f"suite={asked!r}, expected one of {known}, or the path of a YAML file")
    return read_suite(path.read_text("utf-8"), str(path), settings)
