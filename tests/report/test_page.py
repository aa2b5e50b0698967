"""The page: what it says, what it must never let through, and how large it may be."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from iowitness.report.page import page
from iowitness.report.run_report import RunReport
from iowitness.report.trace_quotes import TraceQuotes, quotes
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.traces.events import File, Transferred, Written
from iowitness.traces.events import Socket as SocketEnd
from iowitness.traces.history import constructed
from tests.strategies.report_histories import RAW_TRACE_NAME, Conduct, observed_script
from tests.strategies.run_reports import (
    copying_report,
    holding_report,
    odd_text_report,
    stray_write_report,
)


class _Outline(HTMLParser):
    """Elements, anchors, links and ids of a page, read by a parser that is not ours."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if attributes.get("id"):
            self.ids.append(str(attributes["id"]))
        if tag not in {"meta", "link", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def attribute_values(self, tag: str, name: str) -> list[str]:
        return [str(a[name]) for element, a in self.elements if element == tag and name in a]


def _quoted(report: RunReport, conduct: Conduct) -> TraceQuotes:
    lines = (f"{line}\n".encode() for line in observed_script(conduct).lines)
    return quotes(report, RAW_TRACE_NAME, lines)


@pytest.fixture(scope="module")
def stray_page() -> str:
    report = stray_write_report()
    return page(report, _quoted(report, Conduct(strays=True)), (RAW_TRACE_NAME,))


def test_sections_stand_in_the_order_of_a_jepsen_report(stray_page: str) -> None:
    wanted = ["claims", "method", "verdicts", "findings", "unseen", "offsets", "flow", "matrix"]
    wanted += ["agreement", "excerpt", "reproduce"]
    sections = [a["id"] for tag, a in _Outline(stray_page).elements if tag == "section"]
    assert sections == wanted


@pytest.mark.parametrize(
    "report", [holding_report(), stray_write_report(), copying_report(), odd_text_report()]
)
def test_every_element_is_closed_and_every_id_is_there_once(report: RunReport) -> None:
    outline = _Outline(page(report, TraceQuotes(), ()))
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))


def test_the_same_report_gives_the_same_bytes(stray_page: str) -> None:
    report = stray_write_report()
    again = page(report, _quoted(report, Conduct(strays=True)), (RAW_TRACE_NAME,))
    assert again == stray_page


def test_an_offending_line_is_quoted_with_its_neighbours_and_linked(stray_page: str) -> None:
    outline = _Outline(stray_page)
    links = [link for link in outline.attribute_values("a", "href") if link.startswith("#line-")]
    stray = next(
        event
        for verdict in stray_write_report().verdicts
        for witness in verdict.witnesses
        for event in witness.events
    )
    assert f"#line-{stray.line}" in links
    assert {link.removeprefix("#") for link in links} <= set(outline.ids)
    assert f"{RAW_TRACE_NAME}:{stray.line}</a> pwrite64 of 16,352 B at 130,816" in stray_page
    for near in range(stray.line - 2, stray.line + 3):
        assert f'title="{RAW_TRACE_NAME}:{near}"' in stray_page
    for wide in range(stray.line - 10, stray.line + 11):
        assert f'id="line-{wide}"' in stray_page


def test_a_violated_contract_leads_from_the_table_to_its_finding(stray_page: str) -> None:
    outline = _Outline(stray_page)
    assert "#finding-0" in outline.attribute_values("a", "href")
    assert "finding-0" in outline.ids
    assert "look for a seek before the write" in stray_page


def test_the_first_difference_shows_both_worlds(stray_page: str) -> None:
    assert "write of 16,352 B at 179,872" in stray_page
    assert "write of 16,352 B at 130,816" in stray_page
    assert "432 events compared" in stray_page


def test_a_report_that_holds_has_no_finding() -> None:
    text = page(holding_report(), TraceQuotes(), ())
    assert "None: every contract holds, and nothing differs from the prediction." in text
    assert "The prediction is exact; 362 events compared." in text


def test_a_copying_server_fills_the_user_space_lane() -> None:
    text = page(copying_report(), TraceQuotes(), ())
    assert "100 % of what left them" in text
    assert 'class="box empty"' not in text
    assert 'class="box empty"' in page(holding_report(), TraceQuotes(), ())


def test_a_report_without_prediction_workload_or_files_is_still_whole() -> None:
    report = RunReport(
        suite="bare",
        command_line=("iowitness", "check", "x.strace"),
        started_at="2025-11-24T00:00:00+00:00",
        environment=holding_report().environment,
        verdicts=(
            Verdict(contract="c", claim="unheard-of", outcome=Outcome.UNKNOWN, summary="nothing"),
        ),
        observed=constructed(()),
    )
    text = page(report, TraceQuotes(), ())
    assert "Nothing was predicted for this run." in text
    assert "No call moved bytes of a file under contract." in text
    assert "unheard-of" in text


def test_nothing_is_fetched_from_anywhere(stray_page: str) -> None:
    outline = _Outline(stray_page)
    sources = outline.attribute_values("script", "src") + outline.attribute_values("img", "src")
    assert sources == []
    assert outline.attribute_values("link", "href") == ["data:,"]
    assert "url(" not in stray_page
    assert "@import" not in stray_page
    policy = next(str(a["content"]) for tag, a in outline.elements if "http-equiv" in a)
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_the_policy_names_the_hash_of_each_script_that_runs(stray_page: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", stray_page, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in stray_page


def test_odd_text_never_becomes_markup() -> None:
    report = odd_text_report()
    text = page(report, _quoted_odd(report), (RAW_TRACE_NAME,))
    outline = _Outline(text)
    assert "img" not in {tag for tag, _ in outline.elements}
    assert not any("onerror" in attributes for _, attributes in outline.elements)
    # Two scripts, the marks, and no end of a script that came from a path.
    assert text.count("</script>") == 3
    assert "\x1b" not in text
    assert "\u202e" not in text
    text.encode("utf-8")  # a lone surrogate would raise


def _quoted_odd(report: RunReport) -> TraceQuotes:
    lines = observed_script(Conduct(data_root="/data/</script>\x1b\udcff", batch_count=4)).lines
    raw = (f"{line}\n".encode("utf-8", "surrogateescape") for line in lines)
    return quotes(report, RAW_TRACE_NAME, raw)


def test_a_page_with_100_000_marks_stays_below_2_mb() -> None:
    file = File(1, "/data/t-0/00000000000000000000.log")
    socket = SocketEnd(2, "TCP")
    moment = {"process_id": 1, "thread_id": 1}
    sizes = [16_384 + index * 7919 % 200 for index in range(50_000)]
    writes, transfers, offset = [], [], 0
    for index, size in enumerate(sizes):
        start_ns = index * 41_000 + index * 7919 % 30_000
        moved = {"offset": offset, "byte_count": size, "requested_byte_count": size}
        times = {"start_ns": start_ns, "end_ns": start_ns + 9_000, "line": 1 + 7 * index}
        writes.append(Written(call="write", file=file, **times, **moment, **moved))
        ends = {"source": file, "destination": socket, "destination_offset": None}
        transfers.append(Transferred(call="sendfile", **ends, **times, **moment, **moved))
        offset += size
    report = RunReport(
        suite="large",
        command_line=("iowitness",),
        started_at="2025-11-24T00:00:00+00:00",
        environment=holding_report().environment,
        verdicts=holding_report().verdicts,
        data_root="/data",
        observed=constructed([*writes, *transfers]),
    )
    text = page(report, TraceQuotes(), ())
    assert text.count(",", text.index('id="marks"')) > 4 * 100_000
    assert len(text.encode()) < 2_000_000
