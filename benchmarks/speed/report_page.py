"""How fast the page of the triage report is: file size, time until it can be used, redraws, and selections.

``python -m benchmarks report_page [FILE ...]`` opens each report in headless chromium without a graphics card, by
default made-up reports of 10,000 and 500,000 rows. Redraws are those of moving and zooming the map and of moving the
threshold; a selection is a lasso around half of the map, with everything that follows from it but the next redraw. All
times are by the clock, so the machine must be idle; ``load`` is the number of waiting programs before each report.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from testing.report_pages import made_up_report

SIZES = (10_000, 500_000)
LIMITS = "at most 1 and 8 MB, 2,000 ms, 30 ms, 100 ms"


def main(arguments: Sequence[str]) -> None:
    """Print a line for each report."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        sys.exit("no chromium is installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    print("report                 rows     MB   usable ms   redraw ms p50   p95   selection ms p50   max   load")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for path in map(Path, arguments) if arguments else _made_up(Path(folder)):
            load = os.getloadavg()[0]
            usable, rows, times = _measured(browser, path)
            redraw, selection = np.array(times["map"][1:]), np.array(times["selection"])
            print(
                f"{path.name[:20]:20} {rows:>7,} {path.stat().st_size / 1e6:6.2f} {usable:11.0f}"
                f" {np.median(redraw):15.1f} {np.quantile(redraw, 0.95):5.1f} {np.median(selection):18.1f}"
                f" {selection.max():5.1f} {load:6.1f}"
            )
        browser.close()
    print(f"aims: {LIMITS}")


def _made_up(folder: Path) -> Iterator[Path]:
    for n_rows in SIZES:
        yield made_up_report(n_rows, 4000).write(folder / f"made up {n_rows}.html")


def _measured(browser: Any, path: Path) -> tuple[float, int, dict[str, list[float]]]:
    """Return the milliseconds until the page can be used, its number of rows, and the times of its drawing."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(path.resolve().as_uri())
    page.locator("canvas").wait_for()
    usable = page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
    )
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(x + 80 * math.sin(step / 9), y + 60 * math.cos(step / 7))
    page.mouse.up()
    for _ in range(20):
        page.mouse.wheel(0, -60)
    page.keyboard.press("0")
    page.locator("#threshold-slider").focus()
    for step in range(60):
        page.keyboard.press("ArrowLeft" if step % 3 else "ArrowRight")
    canvas.scroll_into_view_if_needed()
    page.get_by_role("button", name="Lasso").click()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for size in (60, 90, 120, 150, 180):
        page.mouse.move(x + size, y)
        page.mouse.down()
        for step in range(1, 80):
            page.mouse.move(x + size * math.cos(step / 12.6), y + size * 0.8 * math.sin(step / 12.6))
        page.mouse.up()
        page.wait_for_timeout(200)
    rows = page.evaluate("() => oddrowReport.rows")
    times = page.evaluate("() => oddrowReport.timings()")
    page.close()
    return usable, rows, times
