"""A what-if's page as a browser shows it. Skipped, by name, where there is no Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iowitness.what_if.documents import write_documents
from tests.doubles.chromium import Chromium, chromium, chromium_path
from tests.doubles.small_what_ifs import simulated, small_plan

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="chromium is not installed")

_COLOURS = """
[...document.querySelectorAll('.plot canvas')].map(canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', {willReadFrequently: true});
  context.drawImage(canvas, 0, 0);
  const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 250) colours.add(data.slice(i, i + 3).join());
  }
  return [...colours];
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("what-if")
    write_documents(simulated(small_plan("sendfile-or-copy"), (0, 1)), folder)
    return folder / "report.html"


@pytest.mark.parametrize(("scheme", "first_line"), [("light", "0,114,178"), ("dark", "86,180,233")])
def test_every_plot_is_drawn_in_the_readers_colours_without_complaint(
    browser: Chromium, report: Path, scheme: str, first_line: str
) -> None:
    browser.open(report, scheme=scheme)
    painted = browser.value(_COLOURS)
    assert len(painted) >= 5
    # Where lines coincide the last one is on top of the first.
    assert any(first_line in colours for colours in painted[:5])
    assert all(len(colours) > 2 for colours in painted[:5])
    assert browser.complaints() == []
    assert {url for url in browser.requested_urls() if url != "data:,"} == {report.as_uri()}


@pytest.mark.parametrize("width", [320, 800, 1600])
def test_no_width_makes_the_page_scroll_sideways(
    browser: Chromium, report: Path, width: int
) -> None:
    browser.open(report, width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width


def test_arrow_keys_read_values_out_of_a_plot(browser: Chromium, report: Path) -> None:
    browser.open(report)
    browser.value("document.querySelector('.plot').focus()")
    readout = "document.querySelector('.readout').textContent"
    browser.press("ArrowRight")
    first = browser.value(readout)
    assert first.startswith("latency ")
    browser.press("End")
    assert "sendfile 100 %" in browser.value(readout)
    browser.press("Home")
    assert browser.value(readout) == first
