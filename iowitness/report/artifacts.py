"""The artifacts folder: what a reviewer opens, written whole or not at all, and read back."""

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

from iowitness.report.junit import junit_xml
from iowitness.report.markdown import markdown
from iowitness.report.page import page
from iowitness.report.replaced_folder import ArtifactsError, replace_file, replaced_folder
from iowitness.report.run_report import RunFacts, RunReport
from iowitness.report.trace_quotes import TraceQuotes, quotes
from iowitness.report.verdicts_file import read_verdicts_json, verdicts_json, with_histories
from iowitness.traces.history_file import read_history_file, write_history
from iowitness.traces.perfetto import write_perfetto
from iowitness.traces.raw_input import file_lines

VERDICTS_NAME = "verdicts.json"
OBSERVED_NAME = "observed.history.jsonl"
PREDICTED_NAME = "predicted.history.jsonl"

_LARGE_TRACE_BYTE_COUNT = 8 << 20
_COMPRESSED_SUFFIXES = frozenset({".gz", ".xz", ".zst"})


def write_artifacts(
    report: RunReport, folder: Path, raw_trace_files: Sequence[Path] = ()
) -> list[Path]:
    """Write every form of a report to a folder, and return the paths of its files, sorted.

    Lines that events name are those of the first raw trace; each is copied under its own name, and
    one of more than 8 MiB also as `.gz`. All of it is written to a folder beside and renamed at the
    end, so a report that is there is whole; an earlier report is replaced. Raises `ArtifactsError`
    where the folder holds something else, and `OSError` where the disk does not take it.
    """
    names = [path.name for path in raw_trace_files]
    if len(set(names)) < len(names):
        raise ArtifactsError(f"raw traces={names}, expected each to have a name of its own")
    with replaced_folder(folder, VERDICTS_NAME) as aside:
        for path in raw_trace_files:
            _copy_trace(path, aside)
        write_history(report.observed, aside / OBSERVED_NAME)
        write_perfetto(report.observed, aside / "trace.perfetto.json.gz")
        if report.predicted is not None:
            write_history(report.predicted, aside / PREDICTED_NAME)
            write_perfetto(report.predicted, aside / "predicted.perfetto.json.gz")
        for name, content in _documents(report, aside, names):
            (aside / name).write_bytes(content)
        (aside / VERDICTS_NAME).write_bytes(verdicts_json(report, tuple(names)))
        written = sorted(path.name for path in aside.iterdir())
    return [folder / name for name in written]


def read_artifacts(folder: Path) -> tuple[RunReport, tuple[str, ...]]:
    """The report that a folder holds, and the names of its raw traces.

    Raises `ArtifactsError`, `VerdictsFileError` or `TraceError`, each with the file's name.
    """
    facts, raw_traces = read_facts(folder)
    observed = read_history_file(folder / OBSERVED_NAME)
    predicted_path = folder / PREDICTED_NAME
    predicted = read_history_file(predicted_path) if predicted_path.exists() else None
    return with_histories(facts, observed, predicted), raw_traces


def read_facts(folder: Path) -> tuple[RunFacts, tuple[str, ...]]:
    """As `read_artifacts`, without the histories."""
    path = folder / VERDICTS_NAME
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ArtifactsError(
            f"{path}: cannot be read ({error.strerror}); expected the folder that `verify` wrote"
        ) from error
    return read_verdicts_json(text, str(path))


def rebuild_documents(folder: Path) -> list[Path]:
    """Make `report.html`, `report.md` and `junit.xml` anew from what else lies in the folder."""
    report, raw_traces = read_artifacts(folder)
    paths = []
    for name, content in _documents(report, folder, raw_traces):
        replace_file(folder / name, content)
        paths.append(folder / name)
    return paths


def _documents(
    report: RunReport, folder: Path, raw_traces: Sequence[str]
) -> tuple[tuple[str, bytes], ...]:
    """The forms for readers, by name."""
    quoted = _quotes(report, folder, raw_traces)
    return (
        ("report.html", page(report, quoted, raw_traces).encode()),
        ("report.md", markdown(report, quoted).encode()),
        ("junit.xml", junit_xml(report).encode()),
    )


def _quotes(report: RunReport, folder: Path, raw_traces: Sequence[str]) -> TraceQuotes:
    if not raw_traces:
        return TraceQuotes()
    path = folder / raw_traces[0]
    if not path.exists():  # of large traces some keep only the compressed copy
        path = path.with_name(f"{path.name}.gz")
    if not path.exists():
        return TraceQuotes(file_name=raw_traces[0])
    return quotes(report, raw_traces[0], file_lines(str(path)))


def _copy_trace(path: Path, folder: Path) -> None:
    copy = folder / path.name
    shutil.copyfile(path, copy)
    if path.suffix in _COMPRESSED_SUFFIXES or copy.stat().st_size <= _LARGE_TRACE_BYTE_COUNT:
        return
    with (
        copy.open("rb") as raw,
        # A fixed time in the head: the same trace gives the same bytes.
        gzip.GzipFile(f"{copy}.gz", "wb", compresslevel=6, mtime=0) as packed,
    ):
        shutil.copyfileobj(raw, packed, 1 << 20)
