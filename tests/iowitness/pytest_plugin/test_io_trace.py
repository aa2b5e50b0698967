"""The fixture and the marker, in the test files of a stranger's project."""

import os
from pathlib import Path

import pytest

from tests.doubles.ptrace_here import needs_strace

pytestmark = [pytest.mark.live, needs_strace]

_HEAD = """
    import os, sys, threading
    import pytest
    from iowitness.specs.append_only import AppendOnly
    from iowitness.specs.thread_roles import ThreadRoles
    from iowitness.traces.events import Written

    LOG = AppendOnly(files="**/*.log")

    def append(path, *texts):
        with open(path, "ab", buffering=0) as log:
            for text in texts:
                log.write(text)
"""


@pytest.fixture(autouse=True)
def _only_this_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the time of a small pytest run goes into other plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(test_it=_HEAD + source)
    return pytester.runpytest_subprocess("-p", "iowitness.pytest_plugin", *options, timeout=100)


def test_a_with_traces_this_process_its_threads_and_what_it_starts(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
    def test_traced(io_trace, tmp_path):
        go, gone = threading.Event(), threading.Event()
        def other():
            go.wait()
            append(tmp_path / "thread.log", b"2")
            gone.set()
        thread = threading.Thread(target=other)
        thread.start()
        append(tmp_path / "before.log", b"0")
        with io_trace() as trace:
            append(tmp_path / "own.log", b"1")
            go.set()
            gone.wait()
            os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", f"echo 3 > {tmp_path}/child.log"],
                                      {}), 0)
            append(tmp_path / "own.log", b"4")
        append(tmp_path / "after.log", b"5")
        thread.join()
        writes = list(trace.history.of_kind(Written))
        told = [(os.path.basename(one.file.path), one.data) for one in writes]
        assert told == [("own.log", b"1"), ("thread.log", b"2"), ("child.log", b"3\\n"),
                        ("own.log", b"4")]
        assert writes[0].thread_id == os.getpid() != writes[1].thread_id
        assert trace.history.provenance.gaps == ()
        assert not any("trace.strace" in repr(event) for event in trace.history)

    def test_every_call_between_the_first_and_the_last_is_there(io_trace, tmp_path):
        for _ in range(3):
            with io_trace() as trace:
                append(tmp_path / "many.log", *(b"%d" % number for number in range(300)))
            seen = [one.data for one in trace.history.of_kind(Written)]
            assert seen == [b"%d" % number for number in range(300)]
    """,
    )
    result.assert_outcomes(passed=2)


def test_a_violated_contract_reads_like_an_assertion_and_the_body_comes_first(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
    @pytest.mark.io_contract(LOG)
    def test_rewrite(io_trace, tmp_path):
        with io_trace():
            append(tmp_path / "a.log", b"12345678")
            with open(tmp_path / "a.log", "r+b") as log:
                log.write(b"xx")

    @pytest.mark.io_contract(LOG)
    def test_own_error(io_trace, tmp_path):
        with io_trace():
            raise LookupError("the body's")

    @pytest.mark.io_contract(LOG)
    def test_appends(io_trace, tmp_path):
        with io_trace() as trace:
            append(tmp_path / "a.log", b"12345678")
        assert [verdict.outcome for verdict in trace.verdicts] == ["HOLDS"]
    """,
        "--junitxml=junit.xml",
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            ">       with io_trace():",
            "E       iowitness.ContractViolated: append-only is VIOLATED",
            "E         claim:    append-only(files=[*][*]/[*].log), contracts of the test",
            "E         found:    write of 2 B at 0",
            "E         expected: 8 or above (test_rewrite0/a.log, trace.strace:*)",
            "E         trace:    trace.strace",
            'E           > *: * write(*a.log>, "xx", 2) = 2 <*>',
            "E         report:   *",
            "test_it.py:*: ContractViolated",
            "*Captured I/O contracts (contracts of the test) call*",
            "*LookupError: the body's",
            "*- I/O contracts -*",
            "*::test_rewrite: VIOLATED append-only: write of 2 B at 0, *",
            "*::test_rewrite: artifacts in *",
            "1 HOLDS, 1 VIOLATED, 0 UNKNOWN, in 2 tests",
            "FAILED *::test_rewrite - iowitness.ContractViolated: append-only is *",
        ]
    )
    result.stdout.no_fnmatch_line("*attached_trace.py*")
    junit = (pytester.path / "junit.xml").read_text()
    assert 'name="iowitness.contract" value="VIOLATED append-only: write of 2 B at 0' in junit


def test_what_is_not_shown_does_not_pass(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    @pytest.mark.io_contract(LOG)
    def test_no_log_is_written(io_trace):
        with io_trace():
            pass

    @pytest.mark.io_contract(LOG)
    def test_no_trace_is_made(io_trace):
        pass

    @pytest.mark.io_contract(LOG)
    def test_no_fixture_is_used():
        pass

    @pytest.mark.io_contract("kafca")
    def test_no_such_suite(io_trace):
        pass

    @pytest.mark.io_contract("static-files", set={"root": "{nowhere}"})
    def test_no_such_fixture(io_trace):
        pass

    def test_nested(io_trace):
        with io_trace(), io_trace():
            pass
    """,
    )
    result.assert_outcomes(failed=3, errors=3)
    result.stdout.fnmatch_lines(
        [
            "test_no_fixture_is_used is marked io_contract and does not use the fixture io_trace*",
            "iowitness: suite='kafca', expected one of append-only, *",
            "iowitness: io_contract: {nowhere} is no fixture of this test, expected one of *",
            "E         because:  nothing matched, so nothing was shown",
            "E         hint:     see that the selection fits *",
            "test_no_trace_is_made is marked io_contract and made no trace, so nothing was shown*",
            "iowitness: a trace is running, *",
        ],
        consecutive=False,
    )


def test_a_command_is_traced_and_its_output_returned(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
    COPY = "import sys; open('copy', 'w').write(sys.stdin.read()); print('said'); sys.exit(3)"

    def test_command(io_trace, tmp_path):
        run = io_trace.run([sys.executable, "-IS", "-c", COPY], cwd=tmp_path, input="given")
        assert (run.exit_status, run.stdout, run.stderr) == (3, "said\\n", "")
        assert (tmp_path / "copy").read_text() == "given"
        assert {v.outcome for v in run.trace.check(AppendOnly(files=f"{tmp_path}/copy"))} == {
            "HOLDS"}
        assert run.trace.verdicts[0].contract == "append-only"

    def test_takes_too_long(io_trace):
        io_trace.run(["sleep", "100"], timeout=0.5)

    def test_environment_and_signal(io_trace):
        run = io_trace.run(["/bin/sh", "-c", "echo $WORD >&2; kill -9 $$"],
                           env={"WORD": "x", "PATH": os.environ["PATH"]})
        assert (run.exit_status, run.stderr) == (-9, "x\\n")
    """,
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["iowitness: command=sleep still ran after 0.5 s, *"])


def test_each_test_has_its_own_folder_of_artifacts_under_xdist_too(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
    @pytest.mark.io_contract(LOG)
    @pytest.mark.parametrize("name", ["a/b", "a b"])
    def test_kept(io_trace, tmp_path, name):
        with io_trace():
            append(tmp_path / "x.log", b"1")

    def test_judged_by_nothing(io_trace):
        io_trace.run(["true"])
    """,
        "-pxdist",
        "-n2",
        "--iowitness-dir=kept",
    )
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["2 HOLDS, 0 VIOLATED, 0 UNKNOWN, in 2 tests"])
    folders = sorted((pytester.path / "kept").iterdir())
    assert len(folders) == 3
    first, second, unjudged = (set(os.listdir(folder / "trace-1")) for folder in folders)
    expected = {"trace.strace", "trace.strace.capture.json", "observed.history.jsonl"}
    assert unjudged == expected or first == expected
    with_report = [names for names in (first, second, unjudged) if "report.md" in names]
    assert len(with_report) == 2
    assert all(expected | {"report.html", "verdicts.json"} <= names for names in with_report)


def test_marker_goes_before_command_line_before_ini(pytester: pytest.Pytester) -> None:
    pytester.makefile(
        ".yaml",
        mine="variables: {files: null}\n"
        "contracts: [{claim: append-only, name: mine, files: '${files}'}]\n",
    )
    pytester.makeini("[pytest]\niowitness_suite = append-only\niowitness_dir = from-ini\n")
    source = """
    def test_default(io_trace, tmp_path):
        with io_trace() as trace:
            append(tmp_path / "x.log", b"1")
        print("judged by", [verdict.contract for verdict in trace.verdicts])

    @pytest.mark.io_contract(AppendOnly(files="**/x.*", name="marked"))
    def test_marked(io_trace, tmp_path):
        with io_trace() as trace:
            append(tmp_path / "x.log", b"1")
        print("judged by", [verdict.contract for verdict in trace.verdicts])
    """
    of_ini = run(pytester, source, "-s")
    of_ini.stdout.fnmatch_lines(["*judged by *append-only*", "*judged by *marked*"])
    assert len(os.listdir(pytester.path / "from-ini")) == 2
    of_command_line = run(
        pytester,
        source,
        "-s",
        "--iowitness-suite=mine.yaml",
        "--iowitness-set=files=**/*.log",
        "--iowitness-dir=told",
    )
    of_command_line.stdout.fnmatch_lines(["*judged by *mine*", "*judged by *marked*"])
    assert len(os.listdir(pytester.path / "told")) == 2


def test_traces_of_a_failed_test_are_kept_and_those_of_others_are_not(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
    def test_passes(io_trace):
        io_trace.run(["true"])

    def test_fails(io_trace):
        io_trace.run(["true"])
        assert False
    """,
        f"--basetemp={pytester.path / 'base'}",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- I/O traces -*", f"{pytester.path}/base/iowitness1"])
    left = [path.parent.parent.name for path in Path(pytester.path).rglob("trace.strace")]
    assert left == ["iowitness1"]
