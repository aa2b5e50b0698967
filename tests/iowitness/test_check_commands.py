"""`iowitness check` and `iowitness compare`, as a new user calls them, on small traces."""

import json
import lzma
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from iowitness.check_commands import check, compare
from iowitness.specs.agreement import EXACT, AgreementRules, Rule
from iowitness.specs.baseline import (
    BaselineError,
    baseline_of,
    baseline_text,
    compare_with_baseline,
    read_baseline,
)
from iowitness.specs.verdict import Figure, Outcome, Verdict
from iowitness.traces.history_file import write_history
from iowitness.traces.strace_history import read_history

_WRITES = """\
7 1795432000.000001 openat(AT_FDCWD</>, "/srv/a.log", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</srv/a.log> <0.000001>
7 1795432000.000002 write(3</srv/a.log>, "one\\n", 4) = 4 <0.000001>
7 1795432000.000003 pwrite64(3</srv/a.log>, "two\\n", 4, {offset}) = 4 <0.000001>
7 1795432000.000004 close(3</srv/a.log>) = 0 <0.000001>
7 1795432000.000005 exit_group(0) = ?
7 1795432000.000006 +++ exited with 0 +++
"""  # noqa: E501  # lines of strace


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.strace"
    path.write_text(_WRITES.format(offset=4))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.strace"
    path.write_text(_WRITES.format(offset=0))
    return path


def run(command: Any, *arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


class TestCheck:
    def test_a_trace_that_holds_exits_0_and_prints_a_table(self, good: Path) -> None:
        code, told = run(check, good, "--suite", "append-only")
        assert code == 0
        assert re.search(
            r"^append-only +HOLDS +2 writes, 8 B, none over what was there", told, re.MULTILINE
        )
        assert "HOLDS: The contract holds." in told

    def test_a_violation_exits_1_and_names_the_line_and_what_was_expected(self, bad: Path) -> None:
        code, told = run(check, bad, "--suite", "append-only")
        assert code == 1
        assert "write of 4 B at 0, expected 4 or above (srv/a.log, bad.strace:3)" in told
        assert '    > 3: 7 1795432000.000003 pwrite64(3</srv/a.log>, "two\\n", 4, 0) = 4' in told
        assert "      2: 7 1795432000.000002 write(3</srv/a.log>" in told
        assert "predicted" not in told

    def test_what_cannot_be_shown_exits_3(self, good: Path) -> None:
        code, told = run(check, good, "--suite", "append-only", "--set", "files=**/*.other")
        assert code == 3
        assert "UNKNOWN append-only: nothing matched, so nothing was shown" in told
        assert "what to do: see that the selection fits" in told

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--suite", "apend-only"], "suite='apend-only', expected one of append-only, "),
            (["--suite", "atomic-replace"], "files is not set, expected --set files=VALUE"),
            (["--suite", "wal", "--set", "lgo=x"], "lgo='x' is set, expected one of database, "),
            (["--suite", "wal", "--set", "log"], "'log', expected NAME=VALUE"),
            ([], "Missing option '--suite'"),
        ],
    )
    def test_a_mistake_exits_2_and_says_what_was_expected(
        self, good: Path, arguments: list[str], said: str
    ) -> None:
        code, told = run(check, good, *arguments)
        assert code == 2
        assert said in told

    def test_a_trace_that_is_none_exits_2_with_its_name_and_line(self, tmp_path: Path) -> None:
        path = tmp_path / "x.strace"
        path.write_text("this is no trace\nat all\n")
        code, told = run(check, path, "--suite", "append-only")
        assert (code, "x.strace:1" in told) == (2, True)
        code, told = run(check, tmp_path / "nowhere.strace", "--suite", "append-only")
        assert (code, "nowhere.strace: cannot be read" in told) == (2, True)

    def test_an_own_suite_with_errors_is_told_line_by_line(
        self, good: Path, tmp_path: Path
    ) -> None:
        suite = tmp_path / "mine.yaml"
        suite.write_text("contracts:\n- claim: append-only\n  fils: '*.log'\n- claim: nonsense\n")
        code, told = run(check, good, "--suite", suite)
        assert code == 2
        assert "mine.yaml:3:" in told
        assert "mine.yaml:4:" in told

    @pytest.mark.parametrize("form", ["xz", "history", "history.gz", "-ff folder", "-ff prefix"])
    def test_traces_come_in_several_forms(self, bad: Path, tmp_path: Path, form: str) -> None:
        path = tmp_path / f"trace.{form}"
        if form == "xz":
            path.write_bytes(lzma.compress(bad.read_bytes()))
        elif form.startswith("history"):
            write_history(read_history(bad), path)
        else:
            folder = tmp_path / "threads"
            folder.mkdir()
            lines = bad.read_text().replace("7 17", "17").splitlines(keepends=True)
            (folder / "t.7").write_text("".join(lines))
            path = folder if form == "-ff folder" else folder / "t"
        code, told = run(check, path, "--suite", "append-only")
        assert code == 1, told
        assert "write of 4 B at 0, expected 4 or above" in told
        if not form.startswith("history"):
            code, _ = run(check, path, "--suite", "append-only", "--out", tmp_path / "report")
            page = (tmp_path / "report" / "report.md").read_text()
            assert code == 1
            assert re.search(r"^> 3: .*pwrite64", page, re.MULTILINE)

    def test_a_trace_that_was_cut_is_unknown_and_says_what_to_do(self, good: Path) -> None:
        good.write_bytes(good.read_bytes()[:-30])
        code, told = run(check, good, "--suite", "append-only")
        assert code == 3
        assert "the trace is cut off within its last line (good.strace:6)" in told
        assert "what to do: trace to the end, with -f, and keep the whole file" in told

    def test_verdicts_come_as_json(self, bad: Path) -> None:
        code, told = run(check, bad, "--suite", "append-only", "--json")
        assert code == 1
        assert json.loads(told)["verdicts"][0]["outcome"] == "VIOLATED"

    def test_a_report_folder_is_written(self, bad: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        code, told = run(check, bad, "--suite", "append-only", "--out", out)
        assert code == 1
        assert f"Report: {out / 'report.html'}" in told
        assert {"report.html", "report.md", "junit.xml", "bad.strace", "verdicts.json"} <= {
            path.name for path in out.iterdir()
        }


class TestSarif:
    def results(self, trace: Path, folder: Path, *options: str) -> tuple[dict[str, Any], Any]:
        path = folder / "out.sarif"
        run(check, trace, "--suite", "append-only", "--sarif", path, *options)
        log = json.loads(path.read_text())
        assert log["version"] == "2.1.0"
        (one,) = log["runs"]
        return one, one["results"]

    def test_a_violation_is_an_error_at_the_line_of_the_trace(
        self, bad: Path, tmp_path: Path
    ) -> None:
        found, (result,) = self.results(bad, tmp_path)
        assert (result["kind"], result["level"]) == ("fail", "error")
        assert result["message"]["text"].startswith("write of 4 B at 0, expected 4 or above")
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == str(bad)
        assert place["region"] == {"startLine": 3, "endLine": 3}
        rule = found["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"] == "append-only"

    def test_what_holds_passes_and_what_is_unknown_is_open(
        self, good: Path, tmp_path: Path
    ) -> None:
        _, (held,) = self.results(good, tmp_path)
        assert (held["kind"], held["level"], "locations" in held) == ("pass", "none", False)
        _, (unknown,) = self.results(good, tmp_path, "--set", "files=**/*.other")
        assert (unknown["kind"], unknown["level"]) == ("open", "none")


class TestCompare:
    def test_a_run_agrees_with_itself(self, good: Path) -> None:
        code, told = run(compare, good, good, "--suite", "append-only")
        assert code == 0
        assert "All agree" in told

    def test_another_run_differs_in_its_verdict(self, good: Path, bad: Path) -> None:
        code, told = run(compare, good, bad, "--suite", "append-only")
        assert code == 1
        assert "DIFFERS append-only/verdict" in told
        assert "append-only: HOLDS → VIOLATED" in told

    def test_a_baseline_is_written_and_held_against_later_runs(
        self, good: Path, bad: Path, tmp_path: Path
    ) -> None:
        baseline = tmp_path / "baseline.json"
        code, told = run(compare, baseline, good, "--suite", "append-only")
        assert code == 2
        assert "--update-baseline" in told
        code, told = run(compare, baseline, good, "--suite", "append-only", "--update-baseline")
        assert (code, told) == (0, f"wrote {baseline}: 1 contract\n")
        assert run(compare, baseline, good, "--suite", "append-only")[0] == 0
        code, told = run(compare, baseline, bad, "--suite", "append-only", "--json")
        assert code == 1
        comparisons = {one["figure"]: one for one in json.loads(told)["comparisons"]}
        assert comparisons["append-only/verdict"]["agrees"] is False
        assert comparisons["append-only/writes"]["agrees"] is True

    def test_a_suites_bands_widen_what_agrees(self, good: Path, tmp_path: Path) -> None:
        more = tmp_path / "more.strace"
        third = '7 1795432000.000003 pwrite64(3</srv/a.log>, "x", 1, 8) = 1 <0.000001>\n'
        head, close, tail = good.read_text().partition("7 1795432000.000004")
        more.write_text(head + third + close + tail)
        suite = tmp_path / "banded.yaml"
        contract = "contracts: [{claim: append-only, files: '**/*.log'}]\n"
        suite.write_text(contract + "agreement: {default: {rule: exact}, segments: []}\n")
        code, told = run(compare, good, more, "--suite", suite)
        assert code == 1
        assert "DIFFERS append-only/writes: 2 → 3" in told
        suite.write_text(contract + "agreement: {default: {rule: band, tolerance: 0.5}}\n")
        assert run(compare, good, more, "--suite", suite)[0] == 0

    def test_a_file_that_is_no_baseline_is_refused(self, good: Path, tmp_path: Path) -> None:
        other = tmp_path / "other.json"
        other.write_text('{"suite": 3}')
        code, told = run(compare, other, good, "--suite", "append-only")
        assert (code, "expected a baseline in JSON" in told) == (2, True)


def _verdict(name: str, **figures: float) -> Verdict:
    return Verdict(
        contract=name,
        claim="append-only",
        outcome=Outcome.HOLDS,
        summary="",
        figures=tuple(Figure(name=one, value=value, unit="B") for one, value in figures.items()),
    )


class TestBaseline:
    def test_it_survives_its_text_and_its_text_is_stable(self) -> None:
        baseline = baseline_of("s", [_verdict("b", y=2, x=1), _verdict("a", z=3)])
        text = baseline_text(baseline)
        assert read_baseline(text, "b.json") == baseline
        other = baseline_of("s", [_verdict("a", z=3), _verdict("b", x=1, y=2)])
        assert baseline_text(other) == text

    def test_another_version_is_refused_with_both_numbers(self) -> None:
        later = msgspec.structs.replace(baseline_of("s", []), version=9)
        with pytest.raises(BaselineError, match=r"b\.json: .*version=9, expected .*version 1"):
            read_baseline(baseline_text(later), "b.json")

    def test_a_contract_or_figure_that_only_one_run_has_differs(self) -> None:
        before = baseline_of("s", [_verdict("a", x=1), _verdict("gone", x=1)])
        compared = compare_with_baseline(before, [_verdict("a", y=1)], EXACT)
        agrees = {one.figure: one.agrees for one in compared.comparisons}
        assert agrees == {
            "a/verdict": True,
            "a/x": False,
            "a/y": False,
            "gone/verdict": False,
        }

    @pytest.mark.parametrize(
        ("rule", "value", "agrees"),
        [
            (Rule(rule="exact"), 100.0, True),
            (Rule(rule="exact"), 100.1, False),
            (Rule(rule="band", tolerance=0.1), 110.0, True),
            (Rule(rule="band", tolerance=0.1), 111.0, False),
            (Rule(rule="informative"), 1e9, True),
        ],
    )
    def test_each_rule_is_obeyed_figure_by_figure(
        self, rule: Rule, value: float, agrees: bool
    ) -> None:
        rules = AgreementRules(default=Rule(rule="exact"), figures={"a/x": rule})
        before = baseline_of("s", [_verdict("a", x=100, y=1)])
        compared = compare_with_baseline(before, [_verdict("a", x=value, y=1)], rules)
        found = {one.figure: one.agrees for one in compared.comparisons}
        assert found == {"a/verdict": True, "a/x": agrees, "a/y": True}
