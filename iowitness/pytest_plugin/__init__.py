"""The pytest plugin: `io_trace` traces, `@pytest.mark.io_contract` says what must be true of it.

Loaded at every start of pytest in an environment that has iowitness: what judges is imported only
when a test asks for the fixture.
"""

import importlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from iowitness.pytest_plugin.settings import add_options, settings_of

if TYPE_CHECKING:
    from iowitness.pytest_plugin.io_trace import IoTrace, TracedRun
    from iowitness.pytest_plugin.trace import Trace

__all__ = ["IoTrace", "Trace", "TracedRun", "io_trace"]

MARKER = "io_contract"
FIXTURE = "io_trace"

_MODULES = {"IoTrace": "io_trace", "TracedRun": "io_trace", "Trace": "trace"}
_TRACING = pytest.StashKey["IoTrace"]()
_FAILED = pytest.StashKey[bool]()


def __getattr__(name: str) -> Any:
    # For annotations in tests: `from iowitness.pytest_plugin import IoTrace`.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each with its twin in the ini file."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for --strict-markers and --markers."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(*suites_or_contracts, set={{}}, root=''): what must be true of each trace that "
        f"the test makes with the fixture {FIXTURE}; a ready suite's name, the path of a suite "
        "file, or contracts of iowitness.specs",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marker that cannot have an effect is a mistake, and no pass."""
    if item.get_closest_marker(MARKER) and FIXTURE not in getattr(item, "fixturenames", ()):
        pytest.fail(
            f"{item.name} is marked {MARKER} and does not use the fixture {FIXTURE}, so nothing "
            "would be judged; expected both",
            pytrace=False,
        )


@pytest.fixture
def io_trace(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["IoTrace"]:
    """Traces system calls: of this process within a `with`, and of commands.

    `with io_trace() as trace:` and `io_trace.run([...])`.

    Each trace is judged when it ends, by the contracts of the marker `io_contract` or else by
    the suite of --iowitness-suite or the ini file. Without any of them `trace.check(...)` judges.
    """
    from iowitness.pytest_plugin.io_trace import IoTrace
    from iowitness.pytest_plugin.tracing_here import reason_against
    from iowitness.pytest_plugin.untraceable import untraceable

    settings = settings_of(request.config)
    reason = reason_against(settings.strace)
    if reason:
        untraceable(reason, is_required=settings.is_required)
    tracing = IoTrace(request, settings, tmp_path_factory)
    request.node.stash[_TRACING] = tracing
    yield tracing
    tracing.close(test_failed=request.node.stash.get(_FAILED, False))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A marked test that passes without having traced anything has shown nothing: it fails."""
    result = yield
    tracing = pyfuncitem.stash.get(_TRACING, None)
    if tracing is not None and tracing.trace_count == 0 and pyfuncitem.get_closest_marker(MARKER):
        pytest.fail(
            f"{pyfuncitem.name} is marked {MARKER} and made no trace, so nothing was shown; "
            f"expected `with {FIXTURE}():` or `{FIXTURE}.run([...])`",
            pytrace=False,
        )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test keeps its traces, and says where they are."""
    report = yield
    tracing = item.stash.get(_TRACING, None)
    if tracing is not None and tracing.trace_count and report.when == "call" and report.failed:
        item.stash[_FAILED] = True
        report.sections.append(("I/O traces", str(tracing.folder)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The section of the contracts, where any test was judged or could not be traced."""
    from iowitness.pytest_plugin.told import summary_lines

    lines = summary_lines(terminalreporter.stats)
    if lines:
        terminalreporter.section("I/O contracts", sep="-")
        for line in lines:
            terminalreporter.write_line(line)
