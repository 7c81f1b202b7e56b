"""The page for everybody: axe finds nothing, the keyboard reaches everything, and it is printed legibly."""

import pytest

from testing.report_pages import made_up_report


def violations(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    found = axe.Axe().run(page).response["violations"]
    return [(one["id"], node["target"], node["failureSummary"]) for one in found for node in one["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_axe_finds_no_violation(shown, report, theme, width):
    page = shown(report, "#policy=rate_0.00001&kind=1", viewport={"width": width, "height": 900}, color_scheme=theme)
    assert violations(page) == []
    page.locator("button.opener").first.click()
    page.locator(".detail").get_by_role("button", name=": real").click()
    for summary in page.locator("details.as-table > summary").all():
        summary.click()
    page.get_by_role("radio", name="Alert budget").check()
    assert violations(page) == []


def test_the_page_is_as_wide_as_the_screen(shown, report):
    for width in (1440, 1024, 390, 320):
        page = shown(report, viewport={"width": width, "height": 800})
        page.locator("button.opener").first.click()
        page.locator(".neighbours").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")


def test_the_alerts_are_judged_by_keyboard_alone(shown, report):
    page = shown(report)
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the alerts"
    page.keyboard.press("Enter")
    assert focused(page) == "Which rows are they, and why?"
    row = int(report.blocks["row"][0])
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page) == f"Row {row:,}: open":
            break
    assert focused(page) == f"Row {row:,}: open"
    page.keyboard.press("Enter")
    page.locator(".detail").wait_for()
    assert focused(page) == f"Row {row:,}: close"
    for _ in range(10):
        page.keyboard.press("Tab")
        if focused(page) == f"Row {row}: false alarm":
            break
    page.keyboard.press("Space")
    page.get_by_text("1 row marked (1 false alarm)").wait_for()
    assert focused(page) == f"Row {row}: false alarm"
    page.locator("[role=status]", has_text=f"Row {row}: false alarm").wait_for(state="attached")


def test_a_box_on_the_map_is_selected_by_keyboard(shown, report):
    page = shown(report)
    page.locator("canvas").focus()
    for key in ("b", "Shift+ArrowRight", "Shift+ArrowUp", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("Area of the map: ").wait_for()
    assert 0 < page.evaluate("oddrowReport.passed().rows") < 1500
    page.keyboard.press("Escape")
    assert page.evaluate("oddrowReport.passed().rows") == 1500


def test_arrow_keys_with_shift_move_the_threshold_by_one_alert(shown, report):
    page = shown(report, "#policy=level_4096")
    slider = page.get_by_label("Threshold of surprise")
    slider.focus()
    count = page.evaluate("oddrowReport.passed().alerts")
    for step in (1, 2, 3):
        page.keyboard.press("Shift+ArrowRight")
        assert page.evaluate("oddrowReport.passed().alerts") == count - step
    for _ in range(3):
        page.keyboard.press("Shift+ArrowLeft")
    assert page.evaluate("oddrowReport.passed().alerts") == count
    assert f"{count} alerts" in slider.get_attribute("aria-valuetext")


def test_the_count_is_announced_once_when_the_threshold_rests(shown, report):
    page = shown(report)
    page.get_by_label("Threshold of surprise").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    promise = page.evaluate("oddrowReport.at(oddrowReport.state().policy.level).promise")
    page.locator("[aria-live]", has_text=promise).wait_for(state="attached")


def test_print_is_light_and_without_controls(shown, report):
    page = shown(report, color_scheme="dark")
    page.emulate_media(media="print")
    page.locator("html[data-theme=light]").wait_for()
    assert page.locator("button:visible").count() <= 200  # names of rows are buttons, too
    for control in ("nav", "input", "select", ".pager", ".verdict"):
        assert page.locator(f"{control}:visible").count() == 0, control
    for shown_part in (".headline", ".histogram svg", "canvas", "table.alerts", ".kinds", ".columns", "footer"):
        assert page.locator(shown_part).first.is_visible(), shown_part
    page.emulate_media(media="screen")
    page.locator("html[data-theme=dark]").wait_for()


def test_no_panel_is_empty_without_a_sentence(shown):
    bare = made_up_report(30, 99, names=("only",), truth=False, n_details=0)
    bare.summary["columns"][0] |= {"distribution": None, "shade": None}
    bare.summary["model"] |= {"curve": None, "calibrationPlot": None, "settings": []}
    bare.summary["kinds"], bare.summary["cells"]["ids"] = [], []
    page = shown(bare, "#policy=level_999999")
    for text in (
        "No row is above the threshold.",
        "No two of the strangest rows share a leading reason",
        "No distribution is kept for a column of kind",
        "The model keeps no learning curve",
        "Too few rows were scored to compare their p-values",
        "No row or kind is marked yet.",
    ):
        assert page.get_by_text(text).first.is_visible(), text
