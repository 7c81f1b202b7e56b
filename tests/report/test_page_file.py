"""The file of a report: complete, without requests, without the table's values where asked, for every kind of table."""

import base64
import hashlib
import re

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.exceptions import OutputError
from testing.report_files import read_report

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "a\u2028b\u2029c",
    "\u202eright to left\u202c",
    "nul\x00and\x1bescape",
    "x" * 10_000,
]


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "secret_amount": rng.lognormal(3, 1, 400).round(4),
            "secret_name": rng.choice(["zebrafish", "quokka", "axolotl"], 400),
        }
    )


@pytest.fixture
def detector(rows, untrained):
    return oddrow.VAEDetector(random_state=0).fit(rows)


def later(rows):
    """Rows with odd values, of which some occur nowhere else."""
    amount = rows.column("secret_amount").to_pylist()
    names = rows.column("secret_name").to_pylist()
    amount[5], names[7] = 731_402.118, "wolpertinger"
    return pa.table({"secret_amount": amount, "secret_name": names, "owner": [f"owner-{row}" for row in range(400)]})


def test_the_file_allows_its_own_script_and_style_alone(detector, rows):
    html = detector.report(later(rows)).html
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'")
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    for source, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{source} 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)


def test_without_values_no_value_of_the_table_is_in_the_file(detector, rows):
    table = later(rows)
    shown = read_report(detector.report(table, ids=["owner"]).html)
    hidden = read_report(detector.report(table, ids=["owner"], show_values=False).html)
    found = {
        name: [word for word in ("zebrafish", "quokka", "wolpertinger", "731402", "731,402", "owner-") if word in text]
        for name, text in (
            ("shown", shown.inflated["summary"].decode()),
            ("hidden", hidden.inflated["summary"].decode()),
        )
    }
    assert {"zebrafish", "wolpertinger", "731,402", "owner-"} <= set(found["shown"])
    assert found["hidden"] == []
    assert "secret_amount" in hidden.inflated["summary"].decode()
    np.testing.assert_array_equal(hidden.blocks["level"], shown.blocks["level"])


@pytest.mark.parametrize("text", HOSTILE, ids=["script", "handler", "separators", "bidi", "control", "long"])
def test_hostile_names_and_values_stay_inside_the_compressed_blocks(text, untrained):
    rng = np.random.default_rng(0)
    table = pa.table({text: rng.normal(size=300), "kind": rng.choice([text, "b"], 300)})
    report = oddrow.VAEDetector(random_state=0).fit(table).report(table, name=text)
    found = read_report(report.html)
    outside = re.sub(r'<script type="text/plain"[^>]*>[^<]*</script>', "", report.html)
    assert outside.count("<script") == outside.count("</script>") == 1
    assert "<img" not in outside
    assert (
        "onerror"
        not in re.sub(r"<script>.*?</script>", "", outside, flags=re.DOTALL).replace("&quot;", "").split("<body")[1]
    )
    assert found.summary["columns"][0]["name"].startswith(text[:100])
    assert max(len(cell or "") for column in found.summary["cells"]["values"] for cell in column) <= 200


def test_a_name_that_has_no_utf_8_form_has_a_report(detector, rows):
    report = detector.report(rows, name="a\udcff.csv")
    assert b"<title>" in report.html.encode("utf-8")
    assert read_report(report.html).summary["table"]["name"] == "a\udcff.csv"


@pytest.mark.parametrize("n_rows", [0, 1, 2])
def test_a_table_of_few_rows_has_a_report(detector, rows, n_rows):
    found = read_report(detector.report(rows.slice(0, n_rows)).html)
    assert found.summary["table"]["scored"] == n_rows
    assert len(found.blocks["row"]) == n_rows
    assert len(found.summary["details"]) == n_rows


@pytest.mark.parametrize("threshold", [0.0, 1e6], ids=["all odd", "none odd"])
def test_all_rows_or_none_may_be_alerts(detector, rows, threshold):
    summary = detector.report(rows, policy=oddrow.FixedSurprise(threshold)).summary
    assert summary.policy.alerts == (400 if threshold == 0 else 0)


@pytest.mark.parametrize("settings", ["default", "article"])
def test_autoencoders_and_the_articles_settings_have_a_report(rows, settings, untrained):
    detector = oddrow.AutoencoderDetector(settings=settings, random_state=0).fit(rows)
    found = read_report(detector.report(rows).html)
    assert found.summary["table"]["scored"] == 400
    assert found.summary["calibration"]["rows"] == detector.model_.calibration.n_rows


def test_a_file_is_not_overwritten_unless_asked(detector, rows, tmp_path):
    path = tmp_path / "triage.html"
    report = detector.report(rows, path)
    with pytest.raises(OutputError, match="exists already"):
        report.save(path)
    assert report.save(path, force=True) == path
    assert path.read_text(encoding="utf-8") == report.html
    assert repr(report).startswith("<TriageReport of table: ")


def test_found_rows_have_a_report_with_their_own_scores(rows, untrained, tmp_path):
    found = oddrow.find(rows, oddrow.VAEDetector(random_state=0, clean="robust"), top=3)
    content = read_report(found.report(tmp_path / "found.html", name="rows").html)
    order = content.blocks["row"].astype(int) - 1
    assert (np.diff(found.surprise[order]) <= 0).all()
    assert content.summary["policy"]["alerts"] == found.is_odd.sum()
    details = content.summary["details"]
    np.testing.assert_allclose([one["surprise"] for one in details], found.surprise[order[: len(details)]], atol=1e-3)
