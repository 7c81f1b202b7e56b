"""A link restores what its sender saw: threshold, kind, colouring, selected area, opened row and order."""

import re

import pytest


def state_of(page):
    return page.evaluate("oddrowReport.state()")


def settled_address(page, pattern):
    """The page's address when its fragment matches: it follows the state with a short delay."""
    page.wait_for_url(re.compile(pattern))
    return page.url


def lasso(page):
    page.get_by_role("button", name="Lasso").click()
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    corners = [(0.3, 0.3), (0.7, 0.25), (0.75, 0.6), (0.5, 0.8), (0.3, 0.6), (0.3, 0.3)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def test_a_link_shows_the_same_selection(shown, report):
    sender = shown(report)
    lasso(sender)
    sender.get_by_role("button", name="Show only this kind").nth(1).click()
    sender.get_by_label("Colour by").select_option("decision")
    sender.get_by_role("combobox", name="Show").select_option("all")
    sender.locator("thead").get_by_role("button", name="Row", exact=True).click()
    sender.locator("button.opener").nth(1).click()
    address = settled_address(sender, r"row=\d")
    receiver = shown(report, "#" + address.split("#")[1])
    assert state_of(receiver) == state_of(sender)
    assert receiver.evaluate("oddrowReport.passed()") == sender.evaluate("oddrowReport.passed()")
    assert receiver.locator("tbody.rows").text_content() == sender.locator("tbody.rows").text_content()
    assert 0 < receiver.evaluate("oddrowReport.passed().rows") < 1500


def test_a_lasso_selects_the_same_rows_in_a_window_of_another_size(shown, report):
    sender = shown(report)
    lasso(sender)
    address = settled_address(sender, "area=")
    receiver = shown(report, "#" + address.split("#")[1], viewport={"width": 390, "height": 700})
    assert receiver.evaluate("oddrowReport.passed()") == sender.evaluate("oddrowReport.passed()")


def test_a_link_shows_the_same_part_of_the_map(shown, report):
    sender = shown(report)
    assert state_of(sender)["view"] is None
    sender.get_by_role("button", name="Zoom in").click()
    sender.locator("canvas").press("ArrowRight")
    address = settled_address(sender, "view=")
    view = state_of(sender)["view"]
    assert view["right"] - view["left"] == pytest.approx(0.6 * 68_535, abs=0.1)
    assert view["left"] + view["right"] > 65_535
    assert state_of(shown(report, "#" + address.split("#")[1]))["view"] == view
    sender.get_by_role("button", name="Show the whole map").click()
    sender.wait_for_url(re.compile("#$"))
    assert state_of(sender)["view"] is None


@pytest.mark.parametrize("policy", ["rate_0.02", "budget_25", "level_4096"])
def test_a_link_restores_the_policy(shown, report, policy):
    page = shown(report, f"#policy={policy}")
    kind, number = policy.split("_")
    name = {"rate": "atRate", "budget": "atBudget", "level": "at"}[kind]
    expected = page.evaluate("([name, value]) => oddrowReport[name](value).alerts", [name, float(number)])
    assert page.locator(".bar-count").text_content() == f"{expected} alerts"


def test_an_open_page_follows_a_changed_fragment(shown, report):
    page = shown(report)
    page.evaluate("location.hash = '#policy=budget_7&colour=truth'")
    page.get_by_text("7 alerts", exact=True).first.wait_for()
    assert page.get_by_label("Colour by").input_value() == "truth"


@pytest.mark.parametrize(
    "fragment",
    [
        "#kind=99&column=-3&row=x",
        "#policy=rate_abc&area=1_2",
        "#sort=nothing_up&colour=red&page=1e9",
        "#view=1_2_3",
        "#view=9_0_9_5",
        "#view=0_0_Infinity_5",
        "#%E0%A4%A",
        "#alerts",
    ],
)
def test_a_wrong_fragment_shows_the_start(shown, report, fragment):
    page = shown(report, fragment)
    assert state_of(page)["view"] is None
    assert page.evaluate("oddrowReport.passed().rows") == 1500
    assert page.locator(".bar-count").text_content() == f"{report.summary['policy']['alerts']} alerts"
