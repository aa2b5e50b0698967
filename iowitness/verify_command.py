"""`iowitness verify`: the main job on the command line."""

import datetime
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from iowitness.exit_codes import ExitCode, of_outcome

_DEFAULT_SUITE = "kafka"


def _sabotage_names() -> tuple[str, ...]:
    from iowitness.real_run.sabotage import SABOTAGES

    return tuple(SABOTAGES)


class _SabotageName(click.ParamType[str]):
    """The name of a fault; the list is imported only when one is given."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        names = _sabotage_names()
        if value not in names:
            self.fail(f"{value!r}, expected one of {', '.join(names)}", param, ctx)
        return str(value)


@click.command()
@click.option(
    "--suite",
    default=_DEFAULT_SUITE,
    show_default=True,
    metavar="NAME|FILE",
    help="A suite that comes with iowitness, or a YAML file.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The artifacts folder.  [default: artifacts/<suite>-<time>]",
)
@click.option("--json", "as_json", is_flag=True, help="Print verdicts.json instead of tables.")
@click.option("--sabotage", type=_SabotageName(), help="Plant a real fault that must be caught.")
@click.option("--seed", default=0, show_default=True, help="The simulation's seed.")
@click.option("--port", default=0, help="The broker's port on loopback.  [default: any free one]")
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where the broker's data goes while it runs.  [default: the system's temporary folder]",
)
def verify(suite: str, out: Path | None, as_json: bool, **options: Any) -> NoReturn:  # noqa: FBT001 - click passes a flag as a boolean
    """Run a suite's workload for real under strace and in simulation, judge, compare, report.

    Exit codes: 0 every contract holds and the prediction agrees, 1 something is violated or
    disagrees, 2 usage or input error, 3 it cannot be told here.

    \b
    Example: iowitness verify --sabotage copying-reader
    """
    raise SystemExit(_verified(suite, out, as_json=as_json, **options))


def _verified(
    suite_name: str,
    out: Path | None,
    *,
    as_json: bool,
    sabotage: str | None,
    seed: int,
    port: int,
    scratch: Path | None,
) -> ExitCode:
    # Imported late, so that --help and usage errors do not wait for the model and the broker.
    from iowitness.prediction import WhatIfError
    from iowitness.real_run.runs import RealRunFailed
    from iowitness.report.replaced_folder import ArtifactsError
    from iowitness.specs.suite import SuiteError, SuiteNotFound, load_suite
    from iowitness.traces.strace_command import CaptureError
    from iowitness.traces.trace_error import TraceError
    from iowitness.verify.verification import VerifyOrder, verify

    now = datetime.datetime.now(datetime.UTC)
    try:
        order = VerifyOrder(
            suite=load_suite(suite_name),
            seed=seed,
            sabotage=sabotage,
            port=port,
            scratch=scratch,
            command_line=("iowitness", *sys.argv[1:]),
            started_at=now.isoformat(timespec="seconds"),
        )
        folder = out or Path("artifacts") / f"{order.suite.name}-{now:%Y%m%dT%H%M%SZ}"
        report = verify(order, folder, _tell)
    except (SuiteError, SuiteNotFound, WhatIfError, ArtifactsError) as error:
        return _refused(error, ExitCode.USAGE)
    except (CaptureError, RealRunFailed, TraceError, OSError) as error:
        return _refused(error, ExitCode.UNKNOWN)
    _print(report, folder, as_json=as_json)
    return of_outcome(report.outcome)


def _print(report: Any, folder: Path, *, as_json: bool) -> None:
    from iowitness.report.artifacts import VERDICTS_NAME
    from iowitness.report.terminal import print_report

    if as_json:
        sys.stdout.buffer.write((folder / VERDICTS_NAME).read_bytes())
        return
    print_report(report, sys.stdout)
    click.echo(f"Report: {folder / 'report.html'}")


def _refused(error: Exception, code: ExitCode) -> ExitCode:
    click.echo(f"iowitness verify: {error}", err=True)
    return code


def _tell(what: str) -> None:
    """Progress goes to standard error, so that standard output is the result alone."""
    click.echo(f"iowitness: {what}", err=True)


commands = (verify,)
