"""The files of a what-if's folder: report.html, report.md, figures.json beside results.jsonl."""

from pathlib import Path

from iowitness.report.replaced_folder import replace_file
from iowitness.what_if.figures_json import figures_json
from iowitness.what_if.markdown import markdown
from iowitness.what_if.outcome import WhatIfOutcome
from iowitness.what_if.page import page


def write_documents(outcome: WhatIfOutcome, folder: Path) -> None:
    """Write all three, each so that a reader sees the old one or the new one."""
    replace_file(folder / "report.html", page(outcome).encode())
    replace_file(folder / "report.md", markdown(outcome).encode())
    replace_file(folder / "figures.json", figures_json(outcome))
