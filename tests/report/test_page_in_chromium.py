"""The page as a browser shows it. Skipped, by name, where there is no Chromium."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.report.artifacts import write_artifacts
from iowitness.report.page import page
from iowitness.report.trace_quotes import TraceQuotes
from tests.doubles.chromium import Chromium, chromium, chromium_path
from tests.strategies.report_histories import Conduct
from tests.strategies.run_reports import odd_text_report, raw_trace, stray_write_report

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="chromium is not installed")

_PAINTED = """
[...document.querySelectorAll('.plot canvas')].map(canvas => {
  // Of a copy: Chromium complains of a canvas of the page that is read often.
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', {willReadFrequently: true});
  context.drawImage(canvas, 0, 0);
  const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 200) colours.add(data.slice(i, i + 3).join());
  }
  return [...colours];
})
"""
_SHIFTS = """
new Promise(resolve => {
  new PerformanceObserver(list => resolve(list.getEntries().map(e => e.value)))
    .observe({type: 'layout-shift', buffered: true});
  setTimeout(() => resolve([]), 300);
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    trace = raw_trace(folder, Conduct(strays=True))
    write_artifacts(stray_write_report(), folder / "run", [trace])
    return folder / "run" / "report.html"


@pytest.mark.parametrize(("scheme", "thread"), [("light", "0,114,178"), ("dark", "86,180,233")])
def test_the_page_draws_its_plots_in_the_readers_colours_without_complaint(
    browser: Chromium, report: Path, scheme: str, thread: str
) -> None:
    browser.open(report, scheme=scheme)
    painted = browser.value(_PAINTED)
    assert len(painted) == 2
    for colours in painted:
        assert thread in colours
    assert browser.complaints() == []


def test_the_page_asks_for_nothing_but_itself(browser: Chromium, report: Path) -> None:
    browser.open(report)
    assert {url for url in browser.requested_urls() if url != "data:,"} == {report.as_uri()}


def test_nothing_moves_once_it_is_shown(browser: Chromium, report: Path) -> None:
    browser.open(report)
    assert browser.value(_SHIFTS) == []


@pytest.mark.parametrize("width", [320, 400, 800, 1600])
def test_no_width_makes_the_page_scroll_sideways(
    browser: Chromium, report: Path, width: int
) -> None:
    browser.open(report, width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_arrows_step_through_the_marks_of_a_plot(browser: Chromium, report: Path) -> None:
    browser.open(report)
    browser.value("document.querySelector('.plot').focus()")
    browser.press("ArrowRight")
    readout = "document.querySelector('.readout').textContent"
    first = browser.value(readout)
    assert first.startswith("broker · network · write of 16,352 B at 0 in 0.log · ")
    assert first.endswith(" of the raw trace")
    browser.press("ArrowRight")
    assert browser.value(readout).startswith("broker · network · write of 16,352 B at 16,352 in")
    browser.press("ArrowLeft")
    assert browser.value(readout) == first


def test_axis_and_series_can_be_chosen(browser: Chromium, report: Path) -> None:
    browser.open(report)
    before = browser.value(_PAINTED)
    browser.value("document.querySelector('input[value=order]').click()")
    for name in ("write", "transfer", "read", "predicted"):
        browser.value(f"document.querySelector('input[value={name}]').click()")
    browser.value("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
    after = browser.value(_PAINTED)
    assert "0,114,178" in before[0]
    assert "0,114,178" not in after[0]
    assert browser.complaints() == []


def test_a_link_to_a_trace_line_leads_to_it(browser: Chromium, report: Path) -> None:
    browser.open(report)
    browser.value("document.querySelector('.events a').click()")
    target = browser.value("document.querySelector(':target').parentElement.textContent")
    assert "pwrite64(22<" in target
    assert ", 16352, 130816) = 16352" in target


def test_the_page_can_be_printed(browser: Chromium, report: Path) -> None:
    browser.open(report, scheme="dark")
    printed = browser.call("Page.printToPDF", printBackground=True)
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    assert browser.value("document.documentElement.dataset.print") is None
    assert browser.complaints() == []


def test_odd_text_runs_nothing(browser: Chromium, tmp_path: Path) -> None:
    path = tmp_path / "odd.html"
    path.write_text(page(odd_text_report(), TraceQuotes(), ()), "utf-8")
    browser.open(path)
    assert browser.complaints() == []
    assert browser.value("document.images.length") == 0
    assert "</script>" in browser.value("document.querySelector('h1').textContent")
