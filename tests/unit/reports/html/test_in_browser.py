"""The HTML report as a browser draws it: wide and narrow, light and dark, readable in each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rnn_export.exporters import export
from rnn_export.reports.html import graph_of, html
from rnn_export.verifier.verdicts import CaseResult, Outcome, Report, Verdict
from tests.chromium import Browser, browser, needs_chromium
from tests.unit.reports.html.test_page import case
from tests.unit.verifier.showing import network

pytestmark = needs_chromium

# Contrast of every text with what is behind it, as WCAG 2.2 has it; the least is returned.
CONTRAST = """
const light = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const numbers = (text) => text.match(/[0-9.]+/g).map(Number);
const over = (top, under) => { const a = top[3] ?? 1; return [0, 1, 2].map(i => a * top[i] + (1 - a) * under[i]); };
const luminance = (c) => 0.2126 * light(c[0]) + 0.7152 * light(c[1]) + 0.0722 * light(c[2]);
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const fill = e instanceof SVGElement ? 'rgba(0, 0, 0, 0)' : getComputedStyle(e).backgroundColor;
    layers.push(numbers(fill));
  }
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
let least = [99, ''];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, element = node.parentElement;
  if (!node.data.trim() || element.closest('title')) continue;
  const style = getComputedStyle(element);
  const back = behind(element);
  const ink = numbers(element instanceof SVGElement ? style.fill : style.color);
  ink[3] = (ink[3] ?? 1) * Number(style.opacity);
  const [a, b] = [luminance(over(ink, back)), luminance(back)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < least[0]) least = [ratio, node.data.trim()];
}
return least;
"""

# The smallest text in pixels on the screen, drawings scaled as they are.
SMALLEST = """
return Math.min(...[...document.querySelectorAll('svg text, p, td, th, dd, dt, small, figcaption')].filter(
  (e) => e.textContent.trim() && e.getClientRects().length).map((e) => {
    const scale = e.ownerSVGElement ? e.getScreenCTM().a : 1;
    return parseFloat(getComputedStyle(e).fontSize) * scale;
  }));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    long = "a_layer_with_a_name_of_the_kind_that_generators_write/" * 4
    report = Report(
        f"models/{long}model.keras",
        (
            case(wrong=True, file=f"{long}model.onnx"),
            case(form="scan"),
            CaseResult("", "openvino:cpu", Verdict(Outcome.UNAVAILABLE, "not installed")),
            CaseResult("rnn", "tract", Verdict(Outcome.UNSUPPORTED, f"Unimplemented({long})")),
        ),
        ("onnxruntime:cpu",),
        "0123456789abcdef" * 4,
    )
    graphs = [graph_of(export(network((7, 4)), form=form).model, form) for form in ("rnn", "scan")]
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(html(report, graphs=graphs))
    return path.as_uri()


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 768, 1200])
def test_the_page_fits_the_window_and_can_be_read(
    opened: Browser, page: str, width: int, dark: bool
) -> None:
    opened.open(page, width=width, dark=dark)
    assert opened.run("return document.documentElement.scrollWidth") <= width
    assert opened.run(SMALLEST) >= 10
    contrast, text = opened.run(CONTRAST)
    assert contrast >= 4.5, text
    assert opened.errors() == []


def test_dark_is_dark_and_light_is_light(opened: Browser, page: str) -> None:
    seen = {}
    for dark in (False, True):
        opened.open(page, dark=dark)
        paper = opened.run("return getComputedStyle(document.body).backgroundColor")
        seen[dark] = max(int(part) for part in paper.removeprefix("rgb(").rstrip(")").split(","))
    assert seen[True] < 64 < 192 < seen[False]


def test_wide_tables_and_graphs_scroll_by_themselves(opened: Browser, page: str) -> None:
    opened.open(page, width=360)
    wider = opened.run(
        "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
    )
    assert wider > 0
    opened.run("const e = document.querySelector('.scroll'); e.scrollLeft = 60")
    # The runtimes' names stay in sight.
    assert (
        opened.run("return document.querySelector('.matrix tbody th').getBoundingClientRect().left")
        >= 0
    )


def test_every_error_is_drawn_inside_its_frame(opened: Browser, page: str) -> None:
    opened.open(page)
    outside = opened.run("""
        return [...document.querySelectorAll('figure svg:not(.graph)')].filter((svg) => {
          const box = svg.viewBox.baseVal;
          return [...svg.querySelectorAll('path, circle, rect')].some((e) => {
            const b = e.getBBox();
            return b.x < 0 || b.y < 0 || b.x + b.width > box.width || b.y + b.height > box.height;
          });
        }).length
    """)
    assert outside == 0


def test_no_two_nodes_of_a_graph_overlap(opened: Browser, page: str) -> None:
    opened.open(page)
    overlaps = opened.run("""
        let found = 0;
        for (const svg of document.querySelectorAll('svg.graph')) {
          const boxes = [...svg.querySelectorAll('.node rect')].map((e) => e.getBoundingClientRect());
          boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
            if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) found += 1;
          }));
        }
        return found;
    """)
    assert overlaps == 0
