"""A log on a real disk that is full: errors, and never a signal from a store into a mapping."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

_PAGE_BYTE_COUNT = 4_096
_APPENDS_UNTIL_FULL = """
import sys
from pathlib import Path
from iowitness.impl.batch_writer import encode_values
from iowitness.impl.log import Log
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import RealFiles

folder, free_byte_count = sys.argv[1], int(sys.argv[2])
log = Log.open(f"{folder}/t-0", LogConfig(), RealFiles(), now_ms=0)
batch = bytearray(encode_values([b"v" * 16_000], 1))
log.append(batch, now_ms=0)
spare = Path(folder, "spare")
spare.write_bytes(bytes(free_byte_count))
with Path(folder, "rest").open("wb", buffering=0) as rest:
    try:
        while True:
            rest.write(bytes(4_096))
    except OSError:
        pass
spare.unlink()
try:
    while True:
        log.append(batch, now_ms=0)
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("free_page_count", [4, 5, 8])
def test_appends_to_a_full_disk_fail_with_an_error_and_the_log_opens_again(
    tmp_path: Path, free_page_count: int
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(disk)], check=True)
    try:
        spare = str(free_page_count * _PAGE_BYTE_COUNT)
        command = [sys.executable, "-c", _APPENDS_UNTIL_FULL, str(disk), spare]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (run.returncode, run.stderr) == (0, "")
        assert "No space left" in run.stdout
        (disk / "rest").unlink()
        command = [sys.executable, "-m", "iowitness", "log", "recover", str(disk / "t-0")]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
