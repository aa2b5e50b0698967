"""`bench/fidelity_disks.py` on a folder of somebody else's drives, of other kinds than the five."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from iowitness.model.block_request import BlockRequest
from iowitness.model.disksim_drive import read_drive
from iowitness.model.hard_disk import HardDisk

BENCH = Path(__file__).parents[2] / "bench" / "fidelity_disks.py"

PARV = """
disksim_iodriver DRIVER0 { type = 1, Scheduler = disksim_ioqueue { Scheduling policy = 3 } }
disksim_bus BUS0 { type = 1, Read block transfer time = 0.0, Write block transfer time = 0.0 }
source @NAME@.diskspecs
instantiate [ disk0 ] as @NAME@
topology disksim_iodriver driver0 [ disksim_bus bus0 [ disksim_disk disk0 [] ] ]
"""
SPECS = """
disksim_disk @NAME@ {
   Model = source @NAME@.model,
   Scheduler = disksim_ioqueue { Scheduling policy = 4 },
   Bulk sector transfer time = 0.0025, Time scale for overheads = 1.0,
   Number of buffer segments = 16, Segment size (in blks) = 1024,
   Maximum number of write segments = 8, Enable caching in buffer = 1,
   Buffer continuous read = 3, Minimum read-ahead (blks) = 0, Maximum read-ahead (blks) = 1024,
   Fast write level = 0, Low (write) water mark = 0.0, High (read) water mark = 0.0,
   Read miss over. after read = 0.1, Read miss over. after write = 0.1,
   Write miss over. after read = 0.1, Write miss over. after write = 0.1
}
"""
MODEL = """
dm_disk @NAME@_model {
   Number of data surfaces = 4, Number of cylinders = 30000, Block count = 70000000,
   Layout Model = dm_layout_g1 {
      LBN-to-PBN mapping scheme = @ORDER@, Sparing scheme used = @SPARING@,
      Rangesize for sparing = 7, Skew units = revolutions,
      Zones = [
         dm_layout_g1_zone { First cylinder number = 0, Last cylinder number = 14999,
            Blocks per track = 700, Offset of first block = 0.0, Skew for track switch = 0.11,
            Skew for cylinder switch = 0.19, Number of spares = 20, slips = [ 5, 77777 ] },
         dm_layout_g1_zone { First cylinder number = 15001, Last cylinder number = 29999,
            Skew units = sectors, Blocks per track = 500, Offset of first block = 3.0,
            Empty space at zone front = 12, Skew for track switch = 61,
            Skew for cylinder switch = 97, Number of spares = 20 } ]
   },
   Mechanical Model = dm_mech_g1 {
      Seek type = @SEEK@, Full seek curve = @NAME@.seek, Rotation speed (in rpms) = 15000,
      Single cylinder seek time = 0.4, Average seek time = 3.6, Full strobe seek time = 7.1,
      Head switch time = 0.3, Add. write settling delay = 0.2
   }
}
"""


def put(folder: Path, name: str, seek: str, order: int, sparing: int) -> None:
    """A drive of 15,000 rpm, and a trace that it would have left itself."""
    changes = {"@NAME@": name, "@SEEK@": seek, "@ORDER@": str(order), "@SPARING@": str(sparing)}
    for kind, text in (("parv", PARV), ("diskspecs", SPECS), ("model", MODEL)):
        for mark, value in changes.items():
            text = text.replace(mark, value)
        (folder / f"{name}.{kind}").write_text(text)
    disk = HardDisk(read_drive(f"{name}.parv", lambda file: (folder / file).read_text()))
    random, now_ns, lines = Random(1), 0, []
    for _ in range(300):
        kind = random.choice("RW")
        block = random.randrange(disk.geometry.block_count - 64)
        count = random.choice([1, 8, 63])
        request = BlockRequest("read" if kind == "R" else "write", block, count)
        done_ns = disk.completion_ns(request, now_ns)
        lines.append(f"{kind} Miss {block} {count} {(done_ns - now_ns) / 1e3:.3f} 500")
        now_ns = done_ns + 500_000
    (folder / f"{name}.trace").write_text("\n".join(lines) + "\n\n")


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCH), str(folder)], capture_output=True, text=True, check=False
    )


def test_other_drives_are_read_and_scored(tmp_path: Path) -> None:
    (tmp_path / "measured.seek").write_text("Seek distances measured: 2\n1, 0.4\n29000, 7.1\n")
    put(tmp_path, "measured", "extracted", 0, 8)
    put(tmp_path, "published", "extracted", 1, 9)  # no .seek: its three times stand in
    put(tmp_path, "straight", "linear", 2, 7)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("measured", "published", "straight"):
        assert name in done.stdout
    assert "mean relative demerit 0.0" in done.stdout


def test_a_drive_that_cannot_be_read_is_named_and_the_others_are_scored(tmp_path: Path) -> None:
    put(tmp_path, "good", "curve", 0, 0)
    put(tmp_path, "bad", "curve", 0, 0)
    model = tmp_path / "bad.model"
    model.write_text(model.read_text().replace("dm_layout_g1 {", "dm_layout_g4 {"))
    done = run(tmp_path)
    assert done.returncode == 2
    assert "bad: left out: bad.model:4: dm_layout_g4, expected dm_layout_g1" in done.stderr
    assert "good" in done.stdout


def test_a_folder_without_drives_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, "no NAME.parv" in done.stderr) == (2, True)


@pytest.mark.parametrize("sparing", range(11))
@pytest.mark.parametrize("order", range(3))
def test_every_layout_holds_its_own_last_block(tmp_path: Path, sparing: int, order: int) -> None:
    put(tmp_path, "any", "curve", order, sparing)
    disk = HardDisk(read_drive("any.parv", lambda file: (tmp_path / file).read_text()))
    last = disk.geometry.block_count - 1
    assert disk.completion_ns(BlockRequest("read", last, 1), 0) > 0
