"""`iowitness report FOLDER`: the documents of an artifacts folder, made anew."""

import sys
from pathlib import Path

import click

from iowitness.report.artifacts import (
    read_artifacts,
    read_facts,
    rebuild_documents,
)
from iowitness.report.replaced_folder import ArtifactsError
from iowitness.report.terminal import print_report
from iowitness.report.verdicts_file import VerdictsFileError, verdicts_json
from iowitness.traces.trace_error import TraceError


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "form", flag_value="json", help="Print verdicts.json, and write nothing.")
@click.option("--no-write", "form", flag_value="print", help="Print the tables, and write nothing.")
def report(folder: Path, form: str | None) -> None:
    """Rebuild report.html, report.md and junit.xml of an artifacts FOLDER.

    They are made from its verdicts.json, its histories and its raw trace. Exit code 0 says that
    this was done, whatever the verdicts are.

    \b
    Example: iowitness report artifacts/ci
    """
    try:
        if form == "json":
            facts, raw_traces = read_facts(folder)
            sys.stdout.buffer.write(verdicts_json(facts, raw_traces))
            return
        if form is None:
            for path in rebuild_documents(folder):
                click.echo(f"wrote {path}", err=True)
        print_report(read_artifacts(folder)[0], sys.stdout)
    except (ArtifactsError, VerdictsFileError, TraceError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or folder}: {error.strerror or error}"
        ) from error


commands = (report,)
