"""`report.html`: one page that opens from anywhere, offline, and runs no script but its own."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from string import Template

from msgspec import Struct

from iowitness.report.agreement_section import agreement_section
from iowitness.report.claims_section import claims_section, page_head, verdicts_section
from iowitness.report.findings_section import excerpt_section, findings_section
from iowitness.report.flow_section import flow_section
from iowitness.report.markup import Markup, escaped, joined, tag
from iowitness.report.matrix_section import matrix_section
from iowitness.report.offsets_section import offsets_part
from iowitness.report.reproduce_section import reproduce_section
from iowitness.report.run_report import RunReport
from iowitness.report.trace_quotes import TraceQuotes


class _Section(Struct, frozen=True):
    anchor: str
    title: str
    body: Markup


def page(report: RunReport, quotes: TraceQuotes, raw_traces: Sequence[str]) -> str:
    """The page. The same report gives the same bytes.

    Its content security policy lets nothing be fetched, and only the two scripts run whose hashes
    it names: text that slipped through the escaping could still not run.
    """
    offsets = offsets_part(report)
    sections = (
        _Section("claims", "System and claims", claims_section(report)),
        _Section("verdicts", "Verdicts", verdicts_section(report)),
        _Section("findings", "Findings", findings_section(report, quotes)),
        _Section("offsets", "Offset over time", offsets.section),
        _Section("flow", "Byte flow", flow_section(report)),
        _Section("matrix", "Who called what", matrix_section(report)),
        _Section("agreement", "Predicted against observed", agreement_section(report)),
        _Section("excerpt", "Raw trace", excerpt_section(quotes)),
        _Section("reproduce", "How to reproduce", reproduce_section(report, raw_traces)),
    )
    uplot_script, script = _resource("vendor/uplot.js"), _resource("page.js")
    return Template(_resource("page.html")).substitute(
        title=escaped(f"{report.outcome.value}: {report.suite} · iowitness"),
        script_hashes=f"{_script_hash(uplot_script)} {_script_hash(script)}",
        uplot_style=_resource("vendor/uplot.css"),
        style=_resource("page.css"),
        head=page_head(report),
        contents=joined([_contents_entry(section) for section in sections]),
        sections="\n".join(_section(section) for section in sections),
        uplot_license=escaped(_resource("vendor/uplot-license.txt")),
        marks_json=offsets.marks_json,
        uplot_script=uplot_script,
        script=script,
    )


def _contents_entry(section: _Section) -> Markup:
    return tag("li", tag("a", section.title, href=f"#{section.anchor}"))


def _section(section: _Section) -> Markup:
    heading = f"{section.anchor}-title"
    return tag(
        "section",
        tag("h2", section.title, id=heading),
        section.body,
        id=section.anchor,
        aria_labelledby=heading,
    )


def _resource(name: str) -> str:
    return resources.files("iowitness.report").joinpath(name).read_text("utf-8")


def _script_hash(script: str) -> str:
    """What a content security policy calls a script by. Source: CSP level 3, section 2.3.1."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
