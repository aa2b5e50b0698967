"""The directories that a real Kafka 4.3 wrote, from the shared data beside the repository."""

import functools
import re
import tarfile
import tempfile
from pathlib import Path

import pytest

ARCHIVE = Path(__file__).parents[2].parent / "shared" / "kafka" / "golden-kafka43.tgz"

_LINE = re.compile(r"^baseOffset: ")
_FIELD = re.compile(r"(\w+): (\S+)")


@functools.cache
def _unpacked() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="golden-"))
    with tarfile.open(ARCHIVE) as archive:
        # Debian 12's 3.11.2 has no filters yet; the archive is our own.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **safely)
    return folder / "golden"


def golden() -> Path:
    """The unpacked folder; skips the test where there is no shared data."""
    if not ARCHIVE.exists():
        pytest.skip("../shared/kafka/golden-kafka43.tgz is not there")
    return _unpacked()


def dumped(path: Path) -> list[dict[str, str]]:
    """The fields of each batch line of a DumpLogSegments output."""
    return dumped_lines(path.read_text())


def dumped_lines(text: str) -> list[dict[str, str]]:
    """The same, of the output itself."""
    return [dict(_FIELD.findall(line)) for line in text.splitlines() if _LINE.match(line)]
