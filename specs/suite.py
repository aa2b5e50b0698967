"""A suite: a workload, the contracts it must keep, and how far the prediction may lie off."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from msgspec import Struct

from iowitness.located_yaml import LocatedErrors
from iowitness.specs.agreement import AgreementRules
from iowitness.specs.contract import Contract
from iowitness.specs.workload import Workload

DEFAULT_CONTENT_BYTE_COUNT = 262_144
"""How much of each buffer the capture keeps: more than a batch, so that bytes can be compared."""


class SuiteError(LocatedErrors):
    """Everything that is wrong with a suite's file, one `file:line:column: message` a line."""


class Suite(Struct, frozen=True, kw_only=True):
    """What `verify` runs and holds. `hardware` names the model's preset, None for the default."""

    name: str
    workload: Workload
    contracts: Sequence[Contract]
    agreement: AgreementRules = AgreementRules()
    hardware: str | None = None
    content_byte_count: int = DEFAULT_CONTENT_BYTE_COUNT


def suite_names() -> tuple[str, ...]:
    """The suites that come with the package."""
    names = (entry.name for entry in resources.files("iowitness.specs").iterdir())
    return tuple(sorted(name[: -len(".yaml")] for name in names if name.endswith(".yaml")))


def load_suite(name_or_path: str) -> Suite:
    """A suite that comes with the package by its name, or another by its file's path.

    Raises `SuiteError` with all that is wrong, `FileNotFoundError` where there is neither.
    """
    # Imported here: the reader needs this module's types.
    from iowitness.specs.suite_yaml import read_suite

    if name_or_path in suite_names():
        file_name = f"{name_or_path}.yaml"
        text = (resources.files("iowitness.specs") / file_name).read_text("utf-8")
        return read_suite(text, file_name, name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(suite_names())
        raise FileNotFoundError(
            f"suite={name_or_path!r}, expected one of {known}, or the path of a YAML file"
        )
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise FileNotFoundError(f"{path}: no UTF-8 text ({error.reason})") from error
    return read_suite(text, str(path), path.stem)
