"""`iowitness calibrate`: measure this machine into a preset."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from iowitness.exit_codes import ExitCode

_MIB = 1 << 20


@click.command()
@click.argument("preset", type=click.Path(path_type=Path, dir_okay=False), default="here.yaml")
@click.option(
    "--dir",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="A folder on the disk to measure.",
)
@click.option(
    "--size",
    "size_mib",
    default=256,
    show_default=True,
    type=click.IntRange(16, 65_536),
    help="MiB of the file to measure on.",
)
def calibrate(preset: Path, folder: Path, size_mib: int) -> NoReturn:
    """Measure this machine and write a PRESET that what-ifs can extend.

    Takes less than a minute on an idle machine. What it writes meanwhile is gone afterwards, also
    after Ctrl-C. It refuses a nearly full disk, and a file system without O_DIRECT. Where it may,
    it runs at real-time priority, so that other programs disturb it less.

    \b
    Example: iowitness calibrate here.yaml --dir /var/lib/kafka
    """
    raise SystemExit(_calibrated(preset, folder, size_mib * _MIB))


def _calibrated(preset: Path, folder: Path, byte_count: int) -> ExitCode:
    from iowitness.calibrate.calibration import calibrate as measure
    from iowitness.calibrate.preset_text import preset_text
    from iowitness.calibrate.scratch_file import CannotCalibrate
    from iowitness.model.hardware_yaml import read_hardware
    from iowitness.real_run.child import ChildFailed
    from iowitness.report.replaced_folder import replace_file

    signal.signal(signal.SIGTERM, _ended)
    try:
        found = measure(folder, byte_count, _told)
        text = preset_text(found)
        read_hardware(text, str(preset), preset.stem)  # what is written can be read
        replace_file(preset, text.encode())
    except (CannotCalibrate, ChildFailed) as error:
        click.echo(f"iowitness calibrate: {error}", err=True)
        return ExitCode.UNKNOWN
    except OSError as error:
        click.echo(f"iowitness calibrate: {error.filename or folder}: {error.strerror}", err=True)
        return ExitCode.USAGE
    for name, one in found.figures.items():
        click.echo(f"{name:36}{one.value:16,.4g}   ±{one.spread / 2:4.0%} over {one.count}")
    click.echo(f"wrote {preset}; use it with extends: {preset.name}")
    return ExitCode.HOLDS


def _told(what: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"measuring {what}", err=True)


def _ended(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM ends it as Ctrl-C does, through every clean-up."""
    del number, frame
    raise KeyboardInterrupt


commands: tuple[click.Command, ...] = (calibrate,)
