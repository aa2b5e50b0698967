"""The page's last section: how to repeat the run, and where it was made."""

import shlex
from collections.abc import Sequence

from iowitness.report.markup import Markup, joined, tag
from iowitness.report.run_report import RunFacts, RunReport


def commands(facts: RunFacts) -> str:
    """Shell lines that repeat the run and rebuild the report."""
    return "\n".join(
        (
            "# the same run, judged again",
            shlex.join(facts.command_line),
            "# this report again, from the artifacts folder that it lies in",
            "iowitness report .",
        )
    )


def environment_rows(facts: RunFacts) -> Sequence[tuple[str, str]]:
    """Names and values of where and with what the run was made."""
    environment = facts.environment
    rows = (
        ("started", facts.started_at),
        ("iowitness", environment.iowitness),
        ("kernel", environment.kernel),
        ("machine", environment.machine),
        ("Python", environment.python),
        ("strace", environment.strace),
        ("seed", "" if facts.seed is None else str(facts.seed)),
        ("data folder", facts.data_root),
    )
    return [(name, value) for name, value in rows if value]


def reproduce_section(report: RunReport, raw_traces: Sequence[str]) -> Markup:
    """Commands, environment, and the files beside the page."""
    return joined(
        tag("pre", tag("code", commands(report)), class_="commands", tabindex=0),
        tag("h3", "Environment"),
        tag(
            "dl",
            [(tag("dt", name), tag("dd", value)) for name, value in environment_rows(report)],
            class_="facts",
        ),
        tag("h3", "Beside this page"),
        tag("ul", [tag("li", name) for name in _files(report, raw_traces)], class_="files"),
    )


def _files(report: RunReport, raw_traces: Sequence[str]) -> Sequence[Markup]:
    rows = [
        ("verdicts.json", "verdicts, agreement and facts of the run, for machines"),
        ("junit.xml", "a test case for each contract and each comparison"),
        ("report.md", "the short form"),
        ("observed.history.jsonl", "every observed event, one a line"),
        ("trace.perfetto.json.gz", "the same for ui.perfetto.dev"),
    ]
    if report.predicted is not None:
        rows.append(("predicted.history.jsonl", "every predicted event"))
        rows.append(("predicted.perfetto.json.gz", "the same for ui.perfetto.dev"))
    rows += [(name, "the raw trace that the observed events were read from") for name in raw_traces]
    return [joined(tag("code", name), f": {text}") for name, text in rows]
