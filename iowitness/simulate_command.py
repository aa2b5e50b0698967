"""`iowitness simulate WHAT_IF`: one scenario, its variants, its sweep and its questions."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from iowitness.exit_codes import ExitCode


@click.command()
@click.argument("what_if", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of results.")
@click.option("--seed", default=0, show_default=True, help="The first seed.")
@click.option(
    "--seeds", default=1, show_default=True, type=click.IntRange(1, 1_000), help="How many seeds."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 1_024))
@click.option("--dask", metavar="ADDRESS", help="Run on a dask.distributed scheduler.")
@click.option("--json", "form", flag_value="json", help="Print figures.json instead of tables.")
@click.option("--schema", "form", flag_value="schema", help="Print the JSON Schema of what-ifs.")
@click.option("--list", "form", flag_value="list", help="Print the ready what-ifs and presets.")
def simulate(what_if: str | None, form: str | None, **options: Any) -> NoReturn:
    """Simulate a WHAT_IF: a YAML file, or the name of a ready one.

    Finished runs are kept in results.jsonl of the output folder; after an interruption the same
    command goes on from there. With more than one seed, figures have 95 % confidence intervals.

    \b
    Example: iowitness simulate sendfile-or-copy --seeds 5 --workers 2
    """
    raise SystemExit(_guarded(what_if, form, options))


def _guarded(what_if: str | None, form: str | None, options: dict[str, Any]) -> ExitCode:
    """Run it; what is wrong with the user's file is told in one line each."""
    from iowitness.model.yaml_parts import WhatIfError
    from iowitness.what_if.ready import WhatIfNotFound
    from iowitness.what_if.runners import ClusterError

    try:
        if form in ("schema", "list"):
            _print_known(form)
            return ExitCode.HOLDS
        if what_if is None:
            raise click.UsageError("WHAT_IF is missing, expected a YAML file or a ready what-if")
        return _simulated(what_if, form, **options)
    except WhatIfError as error:
        click.echo(str(error), err=True)
    except (WhatIfNotFound, ClusterError) as error:
        click.echo(f"iowitness simulate: {error}", err=True)
    except UnicodeDecodeError as error:
        click.echo(f"iowitness simulate: {what_if}: {error}, expected UTF-8", err=True)
    except OSError as error:
        click.echo(f"iowitness simulate: {error.filename}: {error.strerror or error}", err=True)
    return ExitCode.USAGE


def _print_known(form: str) -> None:
    import json

    from iowitness.model.what_if_schema import what_if_schema
    from iowitness.preset_files import preset_names
    from iowitness.what_if.ready import load_what_if, ready_names

    if form == "schema":
        click.echo(json.dumps(what_if_schema(), indent=1, ensure_ascii=False))
        return
    width = max(map(len, ready_names()))
    for name in ready_names():
        click.echo(f"{name:{width}}  {load_what_if(name).title}")
    click.echo(f"presets: {', '.join(preset_names())}")


def _simulated(
    what_if: str,
    form: str | None,
    *,
    out: Path | None,
    seed: int,
    seeds: int,
    workers: int,
    dask: str | None,
) -> ExitCode:
    from iowitness.what_if.documents import write_documents
    from iowitness.what_if.figures_json import figures_json
    from iowitness.what_if.outcome import outcome, tasks
    from iowitness.what_if.ready import load_what_if
    from iowitness.what_if.results_file import FILE_NAME, ResultsFile
    from iowitness.what_if.runners import runner
    from iowitness.what_if.sweep_run import run_tasks
    from iowitness.what_if.tables import print_outcome

    plan = load_what_if(what_if)
    seed_list = tuple(range(seed, seed + seeds))
    folder = out or Path("artifacts") / Path(what_if).stem
    folder.mkdir(parents=True, exist_ok=True)
    wanted = tasks(plan, seed_list)
    with ResultsFile(folder / FILE_NAME) as results, _progress(len(wanted)) as advanced:
        try:
            found = run_tasks(wanted, results, runner(workers, dask), advanced)
        except KeyboardInterrupt:
            results.reread()
            kept = sum(task.key in results.results for task in wanted)
            click.echo(
                f"iowitness simulate: {kept} of {len(wanted)} runs are in {folder / FILE_NAME}; "
                "the same command goes on from there",
                err=True,
            )
            raise
    told = outcome(plan, what_if, seed_list, found)
    write_documents(told, folder)
    if form == "json":
        sys.stdout.buffer.write(figures_json(told))
    else:
        print_outcome(told, sys.stdout)
        click.echo(f"Report: {folder / 'report.html'}")
    return ExitCode.HOLDS


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere. Yields what is to be told of finished runs."""
    if not sys.stderr.isatty() or total < 2:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("runs", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as display:
        bar = display.add_task("runs", total=total)
        yield lambda count: display.advance(bar, count)


commands: tuple[click.Command, ...] = (simulate,)
