"""The page counts alerts and words promises as Python does."""

import numpy as np
import pytest

from oddrow.exceptions import SettingError
from oddrow.policies import AlertBudget, FalseAlarmRate, FixedSurprise
from testing.report_pages import LEVELS, made_up_report

CALIBRATIONS = {
    "independent": {},
    "few rows": {"n_calibration": 30, "policy": FalseAlarmRate(0.1)},
    "dependent": {"n_effective": 211.4, "source": "block cross-fitted"},
    "training": {"source": "training"},
}


@pytest.fixture(params=CALIBRATIONS)
def calibrated(request):
    return made_up_report(800, **{"n_calibration": 999, **CALIBRATIONS[request.param]}, n_details=20)


def decided(report, policy):
    """What Python says: the number of alerts and the promise, or the error that refuses it."""
    try:
        decision = report.decide(policy)
    except SettingError as error:
        return {"refusal": str(error)}
    return {"alerts": int(decision.is_odd.sum()), "promise": str(decision.promise)}


def answers(page, name, values):
    """What the page says of each value; of a refusal only its reason."""
    found = page.evaluate("([name, values]) => values.map((value) => oddrowReport[name](value))", [name, values])
    return [
        {"refusal": one["refusal"]} if one["refusal"] else {"alerts": one["alerts"], "promise": one["promise"]}
        for one in found
    ]


def test_thresholds_rates_and_budgets_decide_and_are_refused_as_in_python(shown, calibrated):
    """A thousand thresholds, 254 false-alarm rates and 14 budgets, asked of one page for each calibration."""
    page = shown(calibrated)
    top = int(np.ceil(max(calibrated.scores.surprise.max(), 8) * LEVELS))
    levels = np.unique(np.linspace(0, top + LEVELS, 1000).astype(int)).tolist()
    assert len(levels) == 1000
    expected = [decided(calibrated, FixedSurprise(level / LEVELS)) for level in levels]
    assert answers(page, "at", levels) == expected
    assert len({one["alerts"] for one in expected}) > 50
    rates = [*np.geomspace(1e-6, 0.9, 250).tolist(), 0.001, 0.01, 0.1, 0.5]
    expected = [decided(calibrated, FalseAlarmRate(rate)) for rate in rates]
    assert answers(page, "atRate", rates) == expected
    assert any("refusal" in one for one in expected)
    assert any("alerts" in one for one in expected)
    budgets = [1, 2, 3, 5, 8, 10, 15, 20, 33, 50, 80, 120, 300, 799]
    expected = [decided(calibrated, AlertBudget(budget, per=800)) for budget in budgets]
    assert answers(page, "atBudget", budgets) == expected
    assert any("promise" in one for one in expected)


def test_the_slider_shows_what_python_decides(shown, report):
    page = shown(report)
    page.locator("#threshold-slider").evaluate(
        "(input) => { input.value = 5120; input.dispatchEvent(new Event('input')); }"
    )
    decision = report.decide(FixedSurprise(5.0))
    page.get_by_text(f"{int(decision.is_odd.sum())} alerts, ").wait_for()
    page.locator(".result").get_by_text(str(decision.promise)).wait_for()
    assert page.locator("code").first.text_content() == "oddrow decide model.oddrow --surprise 5"


def test_a_refused_rate_is_shown_as_refused(shown, report):
    page = shown(report, "#policy=rate_0.00001")
    page.get_by_text("Refused: a rate of 1e-05 cannot be promised from 999 calibration rows").wait_for()
    assert page.get_by_text(f"{report.summary['policy']['alerts']} alerts, ").is_visible()
    assert page.get_by_role("radio", name="False-alarm rate", exact=True).is_checked()
    page.get_by_role("button", name="1 in 10,000 (refused)").wait_for()
