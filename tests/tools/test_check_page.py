"""The page of `check --html` in a real browser: it loads nothing, and everybody can read it."""

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import HealthReport
from obsctl.health.telling.page import page
from obsctl.health.telling.topology import topology
from tests.tools.browser import Browser, browser
from tests.unit.stacks import resolved

PROJECT = """
services:
  backend: { kind: express, targets: ["localhost:3000"] }
  redis: { kind: redis, address: "localhost:6379" }
notifications:
  receivers: { ops: { webhook: { url: "http://hooks.example.com/" } } }
  routes: { critical: [ops] }
logs: { inputs: { tcp: { port: 5000 } } }
errors: { bugsink: {} }
"""
LONG = "x" * 400 + " <script>alert('no')</script> & \"more\""
REPORT = HealthReport.of(
    [
        Claim("readiness", "prometheus", "is ready").ok("200 in 3 ms"),
        Claim("containers", "redis-exporter", "runs").fail("container-missing", LONG),
        Claim("signals", "HighCPU", "can fire", part="backend").warn(
            "alert-firing", "since noon", rule="HighCPU", severity="warning"
        ),
        Claim("signals", "obsctl-backend/Memory", "has data", part="grafana").not_applicable("no"),
        Claim("configuration", "stack/", "is current").ok("81 files equal"),
        Claim("configuration", "elasticsearch-setup", "is made from").ok("spec 1"),
    ],
    0.5,
)
PHONE, DESK = (375, 812), (1280, 900)

# Every element with text of its own: the contrast of its colour to what is painted behind it.
CONTRAST = """
(() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.body.querySelectorAll('*')]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .map((e) => {
      const [one, two] = [lum(rgb(getComputedStyle(e).color)), lum(behind(e))];
      const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
      return [ratio, e.tagName + '.' + e.className];
    })
    .filter(([ratio]) => ratio < 4.5);
})()
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    stack = resolved(folder, PROJECT)
    path = folder / "page.html"
    path.write_text(page(stack, REPORT, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    return path


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_fits_and_has_contrast(
    tab: Browser, file: Path, size: tuple[int, int], scheme: str
) -> None:
    tab.show(file, *size, scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    for details in ("false", "true"):
        tab.evaluate(f"document.querySelectorAll('details').forEach((d) => d.open = {details})")
        assert tab.evaluate(CONTRAST) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(13, 17, 23)") == (scheme == "dark")
    image = base64.b64decode(tab.call("Page.captureScreenshot")["data"])
    assert image.startswith(b"\x89PNG")
    assert len(image) > 5_000


def test_it_loads_nothing_and_runs_nothing(tab: Browser, file: Path) -> None:
    tab.asked.clear()
    tab.show(file, *DESK, "light")
    assert [url for url in tab.asked if url != file.as_uri()] == []
    assert tab.evaluate("document.scripts.length") == 0


def test_it_reads_well_without_eyes(tab: Browser, file: Path) -> None:
    tab.show(file, *DESK, "light")
    told = tab.accessible()
    headings = [name for role, name in told if role == "heading"]
    assert headings[:3] == ["demo", "What to do 1", "From app to receiver"]
    assert {"Watched", "Collected by", "Kept in", "Used by", "Told to"} <= set(headings)
    assert {"Metrics and alerts", "Logs", "Sent to", "Read in", "Errors", "Reported by"} <= set(
        headings
    )
    links = [name for role, name in told if role == "link"]
    assert any(name.startswith("redis-exporter") and "failed" in name for name in links)
    assert any(name.startswith("prometheus") and "works" in name for name in links)
    assert any(name.startswith("webhook ops: critical") and "not checked" in name for name in links)
    assert any(name.startswith("redis 1 target, by redis-exporter") for name in links)
    assert ("status", "") in told or any(role == "status" for role, _ in told)
    assert {"main", "banner", "contentinfo"} <= {role for role, _ in told}


def test_every_link_leads_somewhere_and_every_finding_is_in_one_part(
    tab: Browser, file: Path, tmp_path: Path
) -> None:
    tab.show(file, *DESK, "light")
    dead = (
        "[...document.querySelectorAll('a')].filter((a) => !document.querySelector(a.hash)).length"
    )
    assert tab.evaluate(dead) == 0
    # What a box leads to is folded away, and opens.
    box = "document.querySelector('a[href=\"#in-redis-exporter\"]')"
    inside = "document.getElementById('in-redis-exporter').parentNode.open"
    assert not tab.evaluate(inside)
    tab.evaluate(f"{box}.click()")
    deadline = time.monotonic() + 10
    while not tab.evaluate(inside):
        assert time.monotonic() < deadline
    parts = topology(resolved(tmp_path, PROJECT), REPORT).parts
    assert sum(len(part.findings) for part in parts) == len(REPORT.findings)
    states = {part.name: part.state for part in parts}
    assert states["redis-exporter"] == "fail"
    assert states["backend"] == "warn"
    assert states["elasticsearch"] == "ok"
