"""The wheel and the source distribution hold everything that runs, data files and all."""

import site
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from iowitness import __version__
from tests.doubles.ptrace_here import why_not

_ROOT = Path(__file__).parents[2]
_SUFFIXES = {".py", ".yaml", ".json", ".html", ".css", ".js", ".txt", ".typed"}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both, built from the files that git tracks, so that nothing lying about helps."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, check=False, text=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        origin, copy = _ROOT / name, source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_symlink():
            copy.symlink_to(origin.readlink())
        elif origin.exists():
            copy.write_bytes(origin.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)],
        capture_output=True,
        check=True,
    )
    return folder


def _expected() -> set[str]:
    return {
        f"iowitness/{path.relative_to(_ROOT / 'iowitness')}"
        for part in ("", "model", "impl", "traces", "specs", "crash")
        for path in (_ROOT / "iowitness" / part).rglob("*")
        if path.suffix in _SUFFIXES and _is_tracked(path)
    }


def _is_tracked(path: Path) -> bool:
    told = subprocess.run(
        ["git", "ls-files", "--error-unmatch", str(path.resolve())],
        cwd=_ROOT,
        capture_output=True,
        check=False,
    )
    return told.returncode == 0


def test_the_wheel_holds_every_module_and_data_file(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = sorted(_expected() - names)
    assert missing == []
    assert "iowitness/specs/kafka.yaml" in names
    assert "iowitness/model/presets/ssd-sata.yaml" in names


def test_the_source_distribution_holds_them_too(distributions: Path) -> None:
    (archive,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert sorted(_expected() - names) == []


_STRANGERS_TEST = """
import json
from importlib import resources

import pytest
from iowitness.specs import load_suite, ready_suite_names

def test_suites():
    schema = json.loads((resources.files("iowitness.specs") / "suite.schema.json").read_text())
    assert "contracts" in schema["properties"]
    assert {"kafka", "wal", "static-files"} <= set(ready_suite_names())
    assert load_suite("wal").contracts

@pytest.mark.io_contract("append-only")
def test_traced(io_trace, tmp_path):
    with io_trace():
        (tmp_path / "a.log").write_bytes(b"1")
"""


def test_a_strangers_test_finds_the_plugin_and_the_suites_of_the_wheel(
    distributions: Path, tmp_path: Path
) -> None:
    (wheel,) = distributions.glob("*.whl")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True
    )
    python = tmp_path / "venv" / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
    (installed,) = (tmp_path / "venv").glob("lib/python*/site-packages/iowitness")
    # The dependencies come from here: .pth files within, the one of this checkout, do not count.
    (installed.parent / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_stranger.py").write_text(_STRANGERS_TEST)
    told = subprocess.run(
        [python, "-m", "pytest", "-rs", "--strict-markers"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"iowitness-{__version__}" in told.stdout  # among pytest's plugins
    traced = "1 passed, 1 skipped" if why_not() else "2 passed"
    assert traced in told.stdout, told.stdout + told.stderr
    asked = "import iowitness; print(iowitness.__file__)"
    found = subprocess.run([python, "-c", asked], cwd=project, capture_output=True, text=True)
    assert found.stdout.strip() == str(installed / "__init__.py")
