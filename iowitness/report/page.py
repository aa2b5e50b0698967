"""`report.html` of a verified run: its sections, in order."""

from collections.abc import Sequence

from iowitness.report.agreement_section import agreement_section
from iowitness.report.claims_section import claims_section, page_head, verdicts_section
from iowitness.report.findings_section import excerpt_section, findings_section
from iowitness.report.flow_section import flow_section
from iowitness.report.html_document import PageScript, Section, html_document, resource
from iowitness.report.matrix_section import matrix_section
from iowitness.report.method_section import method_section, unseen_section
from iowitness.report.offsets_section import offsets_part
from iowitness.report.reproduce_section import reproduce_section
from iowitness.report.run_report import RunReport
from iowitness.report.trace_quotes import TraceQuotes


def page(report: RunReport, quotes: TraceQuotes, raw_traces: Sequence[str]) -> str:
    """The page. The same report gives the same bytes."""
    offsets = offsets_part(report)
    verdicts = Section("verdicts", "Verdicts", verdicts_section(report))
    sections = (
        Section("claims", "System and claims", claims_section(report)),
        Section("method", "Method", method_section(report)),
        verdicts,
        Section("findings", "Findings", findings_section(report, quotes)),
        Section("unseen", "What could not be seen", unseen_section(report)),
        Section("offsets", "Offset over time", offsets.section),
        Section("flow", "Byte flow", flow_section(report)),
        Section("matrix", "Who called what", matrix_section(report)),
        Section("agreement", "Predicted against observed", agreement_section(report)),
        Section("excerpt", "Raw trace", excerpt_section(quotes)),
        Section("reproduce", "How to reproduce", reproduce_section(report, raw_traces)),
    )
    return html_document(
        f"{report.outcome.value}: {report.suite} · iowitness",
        page_head(report),
        sections,
        verdicts,
        PageScript(resource("page.js"), offsets.marks_json),
    )
