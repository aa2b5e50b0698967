"""Variables of a suite file: `${name}` in its texts, set from the command line or by default."""

import dataclasses
import re
from collections.abc import Mapping

from iowitness.located_yaml import LocatedDocument, Path, Position, Problem, read_yaml
from iowitness.specs.suite_value import SuiteError

ROOT = "root"
"""The variable that every suite has: the folder below which relative globs begin."""

_USE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def variables_of(document: LocatedDocument, settings: Mapping[str, str]) -> dict[str, str]:
    """The value of each variable: as set, else by default.

    Raises `SuiteError` for what is set and not declared, and for what is declared without a
    default and not set.
    """
    declared = _declared(document)
    problems = [
        Problem(Position(1, 1), f"{name}={value!r} is set, expected one of {_told(declared)}")
        for name, value in settings.items()
        if name not in declared and name != ROOT
    ]
    problems += [
        document.problem(("variables", name), f"{name} is not set, expected --set {name}=VALUE")
        for name, value in declared.items()
        if value is None and name not in settings
    ]
    if problems:
        raise SuiteError(document.source_name, problems)
    values = {name: str(value) for name, value in declared.items() if value is not None}
    return values | dict(settings)


def unset_variables(text: str, source_name: str) -> tuple[str, ...]:
    """The variables that a suite's user has to set."""
    declared = _declared(read_yaml(text, source_name, SuiteError))
    return tuple(name for name, value in declared.items() if value is None)


def with_variables(document: LocatedDocument, values: Mapping[str, str]) -> LocatedDocument:
    """The document with every `${name}` replaced; raises `SuiteError` for an unknown name."""
    problems: list[Problem] = []

    def replaced(value: object, path: Path) -> object:
        if isinstance(value, dict):
            return {key: replaced(one, (*path, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [replaced(one, (*path, index)) for index, one in enumerate(value)]
        if isinstance(value, str):
            return _USE.sub(lambda use: known(use[1], path), value)
        return value

    def known(name: str, path: Path) -> str:
        if name not in values:
            message = f"${{{name}}} is no variable, expected one of {_told(values)}"
            problems.append(document.problem(path, message))
        return values.get(name, "")

    content = replaced(document.content, ())
    if problems:
        raise SuiteError(document.source_name, problems)
    return dataclasses.replace(document, content=content)


def _declared(document: LocatedDocument) -> dict[str, object]:
    content = document.content
    found = content.get("variables") if isinstance(content, dict) else None
    # What is no mapping is told as such when the whole file is held against its shape.
    return dict(found) if isinstance(found, dict) else {}


def _told(names: Mapping[str, object]) -> str:
    return ", ".join(sorted({*names, ROOT}))
