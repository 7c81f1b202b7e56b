"""A browser for the tests of the page, and pages that may do nothing but show."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from testing.report_pages import MadeUpReport, made_up_report

OFFERED = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium without a graphics card; the tests are skipped where it or Playwright is missing."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    program = next(filter(None, map(shutil.which, OFFERED)), None)
    if program is None:
        pytest.skip("no chromium is installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def report() -> MadeUpReport:
    """Some 1,500 rows of six columns."""
    return made_up_report(1500, 999)


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a report; afterwards see that the page made no request, opened no dialog and logged no error."""
    contexts, complaints = [], []

    def shown(report: MadeUpReport, fragment: str = "", **options: Any) -> Any:
        path = tmp_path / "triage.html"
        if not path.exists():
            report.write(path)
        address = path.as_uri()
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: asked.url.split("#")[0] != address and complaints.append(asked.url))
        page.goto(address + fragment)
        page.locator("footer").wait_for()
        return page

    yield shown
    for context in contexts:
        context.close()
    assert [text for text in complaints if not text.startswith("blob:")] == []
