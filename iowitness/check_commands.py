"""`iowitness check` judges a trace; `iowitness compare` holds two runs against each other."""

import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import click

from iowitness.exit_codes import ExitCode, of_outcome

_TRACE = click.Path(path_type=Path)


class _Setting(click.ParamType[tuple[str, str]]):
    """`NAME=VALUE`."""

    name = "NAME=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, setting = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r}, expected NAME=VALUE", param, ctx)
        return name, setting


def _print_schema(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    del param
    if value is None or ctx.resilient_parsing:
        return
    import json

    from iowitness.specs.suite_schema import suite_schema

    click.echo(json.dumps(suite_schema(), indent=1))
    ctx.exit()


@click.command()
@click.argument("trace", type=_TRACE)
@click.option("--suite", required=True, metavar="NAME|FILE", help="A ready suite, or a YAML file.")
@click.option(
    "--set", "settings", type=_Setting(), multiple=True, help="Set a variable of the suite."
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write a report folder."
)
@click.option(
    "--sarif", type=click.Path(path_type=Path, dir_okay=False), help="Write a SARIF file."
)
@click.option("--json", "form", flag_value="json", help="Print verdicts.json instead of tables.")
@click.option(
    "--schema",
    flag_value="print",
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of suite files, and judge nothing.",
)
def check(
    trace: Path,
    suite: str,
    settings: tuple[tuple[str, str], ...],
    out: Path | None,
    sarif: Path | None,
    form: str | None,
) -> NoReturn:
    """Judge a TRACE with a suite.

    A trace is strace's text or a stored history, also compressed, or the folder or prefix of
    strace -ff. Ready suites: kafka, wal, static-files, atomic-replace, append-only. Their
    variables are set with --set; root is the folder below which relative patterns begin.

    \b
    Example: iowitness check nginx.strace --suite static-files --set root=/srv/www
    """
    raise SystemExit(_guarded("check", _checked, trace, suite, dict(settings), out, sarif, form))


def _checked(
    trace: Path,
    suite_name: str,
    settings: dict[str, str],
    out: Path | None,
    sarif: Path | None,
    form: str | None,
) -> ExitCode:
    from iowitness.judged_report import report_of
    from iowitness.report.artifacts import write_artifacts
    from iowitness.report.terminal import print_report
    from iowitness.report.verdicts_file import verdicts_json
    from iowitness.specs.suite import load_suite
    from iowitness.trace_sources import (
        joined_raw_trace,
        judged_stream,
        judged_whole,
        whole_history,
    )

    suite = load_suite(suite_name, settings)
    contracts = suite.contracts_for_traces
    if out is None:
        judged = judged_stream(trace, contracts, suite.root)
    else:
        judged = judged_whole(whole_history(trace), contracts, suite.root)
    report = report_of(
        judged.verdicts,
        judged.history,
        suite_name=suite.name,
        root=suite.root,
        command_line=("iowitness", *sys.argv[1:]),
    )
    with tempfile.TemporaryDirectory() as folder:
        raw = joined_raw_trace(trace, Path(folder)) if out is not None else trace
        if out is not None:
            write_artifacts(report, out, (raw,))
        quoted = _quotes(report, raw)
    if sarif is not None:
        from iowitness.report.sarif import sarif_json

        sarif.write_bytes(sarif_json(report, str(trace)))
    if form == "json":
        sys.stdout.buffer.write(verdicts_json(report, (trace.name,)))
    else:
        print_report(report, sys.stdout, quoted)
        left_out = [one.name for one in suite.contracts if one.only_with_workload]
        if left_out:
            click.echo(f"Left out, being about the suite's own workload: {', '.join(left_out)}")
        if out is not None:
            click.echo(f"Report: {out / 'report.html'}")
    return of_outcome(report.outcome)


def _quotes(report: Any, raw: Path) -> Any:
    """The lines of a raw trace that show what was found; none of a stored history."""
    from iowitness.report.trace_quotes import NO_QUOTES, quotes
    from iowitness.trace_sources import is_stored_history
    from iowitness.traces.raw_input import file_lines

    if not raw.is_file() or is_stored_history(raw):
        return NO_QUOTES
    return quotes(report, raw.name, file_lines(str(raw)))


@click.command()
@click.argument("before", metavar="A", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("after", metavar="B", type=_TRACE)
@click.option("--suite", required=True, metavar="NAME|FILE", help="Contracts and tolerances.")
@click.option(
    "--set", "settings", type=_Setting(), multiple=True, help="Set a variable of the suite."
)
@click.option("--root-a", metavar="DIR", help="A's root, where it is not B's.")
@click.option(
    "--update-baseline", "update", flag_value="update", help="Write B's figures to A instead."
)
@click.option("--json", "form", flag_value="json", help="Print the comparison as JSON.")
def compare(before: Path, after: Path, suite: str, **options: Any) -> NoReturn:
    """Compare run B with A: a trace, a stored history, or a baseline.

    A baseline keeps the verdicts and figures of one run in a JSON file; --update-baseline writes
    it. The suite's agreement says how far each figure may lie apart: exact, band or informative.

    \b
    Example: iowitness compare old.json new.strace --suite kafka --set root=/data
    """
    raise SystemExit(_guarded("compare", _compared, before, after, suite, **options))


def _compared(
    before: Path,
    after: Path,
    suite_name: str,
    *,
    settings: tuple[tuple[str, str], ...],
    root_a: str | None,
    update: str | None,
    form: str | None,
) -> ExitCode:
    import msgspec

    from iowitness.specs.baseline import baseline_of, baseline_text
    from iowitness.specs.suite import load_suite
    from iowitness.trace_sources import judged_stream

    suite = load_suite(suite_name, dict(settings))
    if update is not None:
        judged = judged_stream(after, suite.contracts_for_traces, suite.root)
        before.write_bytes(baseline_text(baseline_of(suite.name, judged.verdicts)))
        count = len(judged.verdicts)
        click.echo(f"wrote {before}: {count} {'contract' if count == 1 else 'contracts'}")
        return ExitCode.HOLDS
    if not before.exists():
        raise click.UsageError(f"{before} is not there, expected a run, or --update-baseline")
    agreement = _agreement(before, after, suite, suite.root if root_a is None else root_a)
    if form == "json":
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(agreement)) + b"\n")
    else:
        _print_agreement(agreement)
    return ExitCode.HOLDS if agreement.agrees else ExitCode.VIOLATED


def _agreement(before: Path, after: Path, suite: Any, root_a: str) -> Any:
    from iowitness.specs.agreement import Agreement
    from iowitness.specs.agreement import compare as compare_histories
    from iowitness.specs.baseline import baseline_of, compare_with_baseline, read_baseline
    from iowitness.trace_sources import judged_stream, judged_whole, whole_history

    contracts, rules = suite.contracts_for_traces, suite.agreement
    if before.suffix == ".json":
        baseline = read_baseline(before.read_bytes(), str(before))
        judged = judged_stream(after, contracts, suite.root)
        return compare_with_baseline(baseline, judged.verdicts, rules)
    ours, theirs = whole_history(before), whole_history(after)
    judged = judged_whole(theirs, contracts, suite.root)
    baseline = baseline_of(suite.name, judged_whole(ours, contracts, root_a).verdicts)
    figures = compare_with_baseline(baseline, judged.verdicts, rules)
    operations = compare_histories(
        ours, theirs, rules, predicted_root=root_a, observed_root=suite.root
    )
    if operations.compared_count == 0:
        # No file of either run is one whose operations the suite compares.
        return figures
    return Agreement(comparisons=(*operations.comparisons, *figures.comparisons))


def _print_agreement(agreement: Any) -> None:
    for one in agreement.comparisons:
        values = [_value(value) for value in (one.predicted, one.observed)]
        told = "" if values == ["", ""] else f": {values[0]} {one.unit}".rstrip()
        if told and values[0] != values[1]:
            told += f" → {values[1]} {one.unit}".rstrip()
        band = f" ±{one.tolerance:.0%}" if one.rule == "band" else ""
        mark = "agrees" if one.agrees else "DIFFERS"
        click.echo(f"{mark:8}{one.figure}{told} ({one.rule}{band})")
        for difference in one.differences:
            click.echo(
                f"        {difference.place}: {difference.predicted} → {difference.observed}"
            )
    differing = sum(not one.agrees for one in agreement.comparisons)
    compared = len(agreement.comparisons)
    told = "All agree" if not differing else f"{differing} differ"
    click.echo(f"{told}: {compared} figures, {agreement.compared_count} compared events and values")


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}"


def _guarded(command: str, work: Any, *arguments: Any, **options: Any) -> ExitCode:
    """Run the work; what is wrong with the user's files is told in one line each."""
    from iowitness.report.replaced_folder import ArtifactsError
    from iowitness.specs.baseline import BaselineError
    from iowitness.specs.suite import SuiteError, SuiteNotFound
    from iowitness.traces.trace_error import TraceError

    try:
        code: ExitCode = work(*arguments, **options)
    except (SuiteError, SuiteNotFound, BaselineError, ArtifactsError, TraceError) as error:
        click.echo(f"iowitness {command}: {error}", err=True)
        return ExitCode.USAGE
    except OSError as error:
        click.echo(f"iowitness {command}: {error.filename}: {error.strerror}", err=True)
        return ExitCode.USAGE
    return code


commands: tuple[click.Command, ...] = (check, compare)
