"""Verdicts are kept in the browser, exported, and imported again."""

import csv
import io
import json


def exported(page):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export verdicts").click()
    return json.loads(waiting.value.path().read_text(encoding="utf-8"))


def marked(page):
    """Mark two rows, one of them with a note, and a kind."""
    page.get_by_role("button", name=": false alarm").nth(0).click()
    page.locator("button.opener").nth(1).click()
    page.locator(".detail").get_by_role("button", name=": real").click()
    page.locator(".detail textarea").fill("seen before: <b>ask</b> \u2028 Ana")
    page.locator(".detail textarea").blur()
    page.locator(".kinds").get_by_role("button", name=": unsure").nth(0).click()


def test_the_exported_file_has_the_verdicts_with_their_reasons(shown, report):
    page = shown(report)
    marked(page)
    file = exported(page)
    summary = report.summary
    rows = report.blocks["row"]
    assert {key: file[key] for key in ("format", "version", "report", "model")} == {
        "format": "oddrow-verdicts", "version": 1, "report": summary["id"], "model": summary["model"]["hash"],
    }  # fmt: skip
    assert file["table"] == {"name": "connections.csv", "rows": 1500}
    by_row = {one["row"]: one for one in file["verdicts"]}
    first, second = by_row[int(rows[0])], by_row[int(rows[1])]
    assert (first["verdict"], first["note"]) == ("false alarm", "")
    assert (second["verdict"], second["note"]) == ("real", "seen before: <b>ask</b> \u2028 Ana")
    detail = summary["details"][1]
    reasons = [(summary["columns"][one["c"]]["name"], one["nats"] / detail["surprise"]) for one in detail["reasons"]]
    assert [(one["column"], round(one["share"], 3)) for one in second["reasons"]] == [
        (name, round(share, 3)) for name, share in reasons
    ]
    assert second["surprise"] == round(detail["surprise"], 4)
    assert second["values"] == {
        name: values[1] for name, values in zip(summary["cells"]["columns"], summary["cells"]["values"], strict=True)
    }
    (kind,) = file["kinds"]
    assert kind["verdict"] == "unsure"
    assert {key: kind[key] for key in ("column", "direction", "value")} in [
        {**{key: one[key] for key in ("direction", "value")}, "column": summary["columns"][one["column"]]["name"]}
        for one in summary["kinds"]
    ]


def test_a_kind_with_a_second_reason_is_named_with_it(shown, report):
    page = shown(report)
    refined = page.locator(".kind", has_text="and started is below").get_by_role("button", name=": unsure")
    refined.click()
    (kind,) = exported(page)["kinds"]
    assert kind["also"] == {"column": "started", "direction": "below"}
    page.reload()
    page.get_by_text("1 kind marked (1 unsure).").wait_for()
    assert refined.get_attribute("aria-pressed") == "true"


def test_exported_verdicts_come_back_by_import(shown, report, tmp_path):
    sender = shown(report)
    marked(sender)
    file = exported(sender)
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    receiver = shown(report)
    receiver.get_by_text("No row or kind is marked yet").wait_for()
    receiver.locator("#verdict-file").set_input_files(path)
    receiver.get_by_text("3 verdicts were read.").wait_for()
    assert exported(receiver) == file


def test_verdicts_are_kept_when_the_page_is_opened_again(shown, report):
    page = shown(report)
    marked(page)
    before = exported(page)
    # chromium hands what a page stores to another process, which a busy machine may delay beyond the reload
    page.wait_for_timeout(500)
    page.reload()
    page.get_by_text("2 rows marked (1 real, 1 false alarm); 1 kind marked (1 unsure).").wait_for()
    assert exported(page) == before


def test_a_pressed_verdict_is_taken_back_by_pressing_it_again(shown, report):
    page = shown(report)
    control = page.get_by_role("button", name=": real").nth(0)
    control.click()
    assert control.get_attribute("aria-pressed") == "true"
    control.click()
    assert control.get_attribute("aria-pressed") == "false"
    page.get_by_text("No row or kind is marked yet").wait_for()


def test_a_file_that_is_no_file_of_verdicts_is_refused_in_words(shown, report, tmp_path):
    page = shown(report)
    for text, answer in (
        ("{", "it is not JSON"),
        ("[1]", "it is not a file of verdicts"),
        ('{"format": "other"}', "it is not a file of verdicts"),
        ("null", "it is not a file of verdicts"),
    ):
        path = tmp_path / "wrong.json"
        path.write_text(text, encoding="utf-8")
        page.locator("#verdict-file").set_input_files(path)
        page.get_by_text(answer).wait_for()
    page.get_by_text("No row or kind is marked yet").wait_for()


def test_of_another_report_only_verdicts_on_kinds_are_read(shown, report, tmp_path):
    sender = shown(report)
    marked(sender)
    path = tmp_path / "verdicts.json"
    path.write_text(json.dumps({**exported(sender), "report": "another"}), encoding="utf-8")
    receiver = shown(report)
    receiver.locator("#verdict-file").set_input_files(path)
    receiver.get_by_text("0 rows marked; 1 kind marked (1 unsure).").wait_for()


def test_the_filtered_rows_are_saved_as_csv(shown, report):
    page = shown(report, "#policy=budget_20")
    page.get_by_role("button", name=": real").nth(0).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Rows as CSV").click()
    text = waiting.value.path().read_bytes().decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    summary = report.summary
    assert [int(line["row"]) for line in lines] == report.blocks["row"][:20].tolist()
    assert [float(line["surprise"]) for line in lines] == [one["surprise"] for one in summary["details"][:20]]
    assert lines[0]["verdict"] == "real"
    assert [line["amount"] for line in lines] == [value or "" for value in summary["cells"]["values"][1][:20]]
