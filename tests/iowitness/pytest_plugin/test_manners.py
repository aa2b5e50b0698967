"""How the plugin behaves where it is not wanted, or cannot work."""

import subprocess
import sys

import pytest

_USES = """
    import pytest

    def test_traced(io_trace):
        with io_trace():
            pass

    def test_other():
        pass
"""


@pytest.fixture(autouse=True)
def _only_this_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the time of a small pytest run goes into other plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "iowitness.pytest_plugin", *options)


@pytest.fixture
def no_strace(pytester: pytest.Pytester) -> str:
    return f"--iowitness-strace={pytester.path / 'nowhere' / 'strace'}"


def test_without_strace_tests_are_skipped_with_the_reason(
    pytester: pytest.Pytester, no_strace: str
) -> None:
    pytester.makepyfile(_USES)
    result = run(pytester, no_strace, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*- I/O contracts -*",
            "not traced: 1 test: */strace=missing, expected it on PATH. *apt-get install strace*",
            "SKIPPED *iowitness cannot trace: */strace=missing, *",
        ]
    )


@pytest.mark.parametrize("how", ["--iowitness-require", "iowitness_require"])
def test_where_tracing_is_required_that_is_an_error(
    pytester: pytest.Pytester, no_strace: str, how: str
) -> None:
    pytester.makepyfile(_USES)
    options = [how] if how.startswith("--") else []
    if not options:
        pytester.makeini("[pytest]\niowitness_require = true\n")
    result = run(pytester, no_strace, *options)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["iowitness cannot trace: */strace=missing, *"])


def test_where_ptrace_is_forbidden_tests_are_skipped_with_the_reason(
    pytester: pytest.Pytester,
) -> None:
    strace = pytester.path / "strace"
    strace.write_text(
        "#!/bin/sh\n"
        "echo 'strace: test_ptrace_get_syscall_info: PTRACE_TRACEME: Operation not permitted' >&2\n"
        "exit 1\n"
    )
    strace.chmod(0o755)
    pytester.makepyfile(_USES)
    result = run(pytester, f"--iowitness-strace={strace}", "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *ptrace=forbidden (*--cap-add SYS_PTRACE*"])


def test_a_run_that_traces_nothing_says_nothing_and_imports_nothing(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_other():
            heavy = ("pydantic", "msgspec", "yaml", "click", "rich", "iowitness.specs.suite",
                     "iowitness.traces.events")
            assert [name for name in heavy if name in sys.modules] == []
            assert "iowitness.pytest_plugin" in sys.modules
        """
    )
    result = pytester.runpytest_subprocess("-p", "iowitness.pytest_plugin")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*I/O contracts*")


def test_the_marker_is_registered_and_the_options_are_documented(
    pytester: pytest.Pytester,
) -> None:
    told = run(pytester, "--markers").stdout.str()
    assert "@pytest.mark.io_contract(*suites_or_contracts" in told
    told = run(pytester, "--help").stdout.str()
    for name in ("suite", "set", "dir", "require", "strace"):
        assert f"--iowitness-{name}" in told
        assert f"iowitness_{name} (" in told


def test_a_wrong_setting_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(_USES)
    result = run(pytester, "--iowitness-suite=wal", "--iowitness-set=log")
    result.stdout.fnmatch_lines(["*iowitness_set='log', expected NAME=VALUE"])
    assert result.ret != 0


def test_names_for_annotations_can_be_imported() -> None:
    code = (
        "from iowitness.pytest_plugin import IoTrace, Trace, TracedRun\n"
        "import iowitness.pytest_plugin as plugin\n"
        "assert not hasattr(plugin, 'IoTraces')\n"
        "assert IoTrace.__module__ == 'iowitness.pytest_plugin.io_trace'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
