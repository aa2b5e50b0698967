"""The contracts of a test: those of its markers, or of the settings where it has none."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from iowitness.pytest_plugin.asked_contracts import AskedContracts, asked_contracts
from iowitness.pytest_plugin.settings import PluginSettings
from iowitness.pytest_plugin.untraceable import misused
from iowitness.specs.suite import SuiteError, SuiteNotFound

MARKER = "io_contract"


def contracts_of_test(
    request: pytest.FixtureRequest, settings: PluginSettings
) -> tuple[AskedContracts, ...]:
    """All markers count, of function, class and module; a mistake in one ends the test."""
    item: pytest.Item = request.node
    markers = list(item.iter_markers(MARKER))
    mistake = ""
    groups: tuple[AskedContracts, ...] = ()
    try:
        groups = tuple(group for marker in markers for group in _of_marker(marker, request))
        if not markers:
            groups = _of_settings(item, settings)
    except (SuiteError, SuiteNotFound, ValidationError) as error:
        mistake = str(error)
    if mistake:  # told here, so that pytest shows it without the error it came from
        misused(mistake)
    return groups


def _of_settings(item: pytest.Item, settings: PluginSettings) -> tuple[AskedContracts, ...]:
    if not settings.suite:
        return ()
    folders = (item.path.parent, item.config.rootpath)
    variables = dict(settings.suite_variables)
    return asked_contracts((settings.suite,), variables=variables, root="", folders=folders)


def _of_marker(marker: pytest.Mark, request: pytest.FixtureRequest) -> tuple[AskedContracts, ...]:
    item: pytest.Item = request.node
    if not marker.args:
        misused(f"{MARKER}() names nothing, expected a suite or contracts")
    options: dict[str, Any] = {"set": {}, "root": ""} | dict(marker.kwargs)
    if unknown := sorted(options.keys() - {"set", "root"}):
        misused(f"{MARKER}({unknown[0]}=...), expected set= or root=")
    fixture = _fixture_values(request)
    return asked_contracts(
        marker.args,
        variables={name: _filled(value, fixture) for name, value in options["set"].items()},
        root=_filled(options["root"], fixture),
        folders=(item.path.parent, item.config.rootpath),
    )


def _filled(value: object, fixture: Callable[[str], str]) -> str:
    """The text with `{tmp_path}` and the like replaced by the value of the fixture."""
    return re.sub(r"\{(\w+)\}", lambda use: fixture(use[1]), str(value))


def _fixture_values(request: pytest.FixtureRequest) -> Callable[[str], str]:
    names: tuple[str, ...] = tuple(getattr(request.node, "fixturenames", ()))

    def value(name: str) -> str:
        if name not in names:
            misused(
                f"{MARKER}: {{{name}}} is no fixture of this test, expected one of "
                f"{', '.join(names)}"
            )
        return str(request.getfixturevalue(name))

    return value
