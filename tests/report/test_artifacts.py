import errno
import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner

import iowitness.report.artifacts as artifacts_module
from iowitness.report.artifacts import rebuild_documents, write_artifacts
from iowitness.report.replaced_folder import ArtifactsError
from iowitness.report_commands import report as report_command
from iowitness.traces.history import History
from tests.strategies.report_histories import Conduct
from tests.strategies.run_reports import holding_report, raw_trace, stray_write_report

_NAMES = [
    "junit.xml",
    "observed.history.jsonl",
    "predicted.history.jsonl",
    "predicted.perfetto.json.gz",
    "report.html",
    "report.md",
    "run.strace",
    "trace.perfetto.json.gz",
    "verdicts.json",
]


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    folder = tmp_path / "traced"
    folder.mkdir()
    return raw_trace(folder, Conduct(strays=True))


def test_a_folder_holds_every_form_and_nothing_else_is_left(tmp_path: Path, trace: Path) -> None:
    folder = tmp_path / "deep" / "run"
    paths = write_artifacts(stray_write_report(), folder, [trace])
    assert paths == [folder / name for name in _NAMES]
    assert sorted(path.name for path in folder.iterdir()) == _NAMES
    assert list(folder.parent.iterdir()) == [folder]
    assert (folder / "run.strace").read_bytes() == trace.read_bytes()


def test_an_earlier_report_is_replaced_whole(tmp_path: Path, trace: Path) -> None:
    folder = tmp_path / "run"
    write_artifacts(stray_write_report(), folder, [trace])
    write_artifacts(holding_report(), folder)
    assert not (folder / "run.strace").exists()
    assert "All 6 contracts hold." in (folder / "report.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "traced"]


def test_a_trace_may_lie_in_the_report_that_is_replaced(tmp_path: Path, trace: Path) -> None:
    folder = tmp_path / "run"
    write_artifacts(stray_write_report(), folder, [trace])
    write_artifacts(stray_write_report(), folder, [folder / "run.strace"])
    assert (folder / "run.strace").read_bytes() == trace.read_bytes()


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    write_artifacts(holding_report(), folder)
    assert (folder / "verdicts.json").exists()


def test_somebodys_own_files_are_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactsError, match="what is not a report is never replaced"):
        write_artifacts(holding_report(), folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text("x")
    with pytest.raises(ArtifactsError, match="run: is no folder"):
        write_artifacts(holding_report(), path)


def test_two_traces_of_one_name_are_refused(tmp_path: Path, trace: Path) -> None:
    with pytest.raises(ArtifactsError, match="expected each to have a name of its own"):
        write_artifacts(holding_report(), tmp_path / "run", [trace, tmp_path / "b" / trace.name])


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("earlier", ["none", "a report"])
def test_a_full_disk_or_ctrl_c_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException, earlier: str
) -> None:
    folder = tmp_path / "run"
    if earlier == "a report":
        write_artifacts(holding_report(), folder)
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def fail(history: History, path: Path) -> None:
        path.write_bytes(b"half of it")
        raise failure

    monkeypatch.setattr(artifacts_module, "write_perfetto", fail)
    with pytest.raises(type(failure)):
        write_artifacts(stray_write_report(), folder)
    after = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before
    assert list(tmp_path.iterdir()) == ([folder] if before else [])


def test_a_large_trace_has_a_compressed_copy_beside_it(tmp_path: Path) -> None:
    large = tmp_path / "large.strace"
    large.write_bytes(b"1 0.000000 futex(0x1, FUTEX_WAKE, 1) = 1 <0.000001>\n" * 200_000)
    folder = tmp_path / "run"
    write_artifacts(holding_report(), folder, [large])
    assert gzip.decompress((folder / "large.strace.gz").read_bytes()) == large.read_bytes()


def test_documents_rebuild_to_the_same_bytes(tmp_path: Path, trace: Path) -> None:
    folder = tmp_path / "run"
    write_artifacts(stray_write_report(), folder, [trace])
    names = ("report.html", "report.md", "junit.xml")
    before = [(folder / name).read_bytes() for name in names]
    for name in names:
        (folder / name).unlink()
    assert rebuild_documents(folder) == [folder / name for name in names]
    assert [(folder / name).read_bytes() for name in names] == before
    assert sorted(path.name for path in folder.iterdir()) == _NAMES


def test_a_trace_that_was_kept_compressed_only_is_still_quoted(tmp_path: Path, trace: Path) -> None:
    folder = tmp_path / "run"
    write_artifacts(stray_write_report(), folder, [trace])
    before = (folder / "report.html").read_bytes()
    raw = folder / "run.strace"
    (folder / "run.strace.gz").write_bytes(gzip.compress(raw.read_bytes()))
    raw.unlink()
    rebuild_documents(folder)
    assert (folder / "report.html").read_bytes() == before


def test_the_command_rebuilds_and_shows_the_tables(tmp_path: Path, trace: Path) -> None:
    folder = tmp_path / "run"
    write_artifacts(stray_write_report(), folder, [trace])
    (folder / "report.html").unlink()
    result = CliRunner().invoke(report_command, [str(folder)])
    assert result.exit_code == 0
    assert (folder / "report.html").exists()
    assert "VIOLATED: sequential-writes is violated" in result.stdout


def test_the_command_prints_verdicts_json_for_machines(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_artifacts(holding_report(), folder)
    result = CliRunner().invoke(report_command, [str(folder), "--json"])
    assert result.stdout_bytes == (folder / "verdicts.json").read_bytes()


def test_the_command_says_which_file_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(report_command, [str(tmp_path)])
    assert result.exit_code != 0
    assert f"{tmp_path}/verdicts.json: cannot be read" in result.stderr
