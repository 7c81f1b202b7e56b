"""Files of verdicts are checked strictly, and an error names the file, the field, the value and the way out."""

import copy
import json

import pytest

from oddrow.exceptions import DataError
from oddrow.feedback import read_verdicts

GOOD = {
    "format": "oddrow-verdicts",
    "version": 1,
    "report": "r1",
    "model": None,
    "table": {"name": "t.csv", "rows": 10},
    "verdicts": [
        {
            "row": 3,
            "verdict": "real",
            "note": "seen <b>before</b> \u2028",
            "at": "2026-11-28T09:00:00.000Z",
            "reasons": [{"column": "amount", "share": 0.7}],
            "kind": {"column": "amount", "direction": "above", "value": None},
            "values": {"amount": "9", "city": None},
        }
    ],
    "kinds": [
        {
            "column": "amount",
            "direction": "above",
            "value": None,
            "verdict": "false alarm",
            "note": "",
            "at": "2026-11-28T09:00:00.000Z",
        }
    ],
}


def changed(path, value):
    content = copy.deepcopy(GOOD)
    *parents, last = path
    place = content
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return content


def test_a_file_is_read_as_the_object_that_it_holds(tmp_path):
    path = tmp_path / "v.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    found, same = read_verdicts(path), read_verdicts(GOOD)
    assert (found.name, same.name) == (str(path), "verdicts")
    assert found.kinds == same.kinds
    assert found.kinds[0].key == ("amount", "above", None, None)
    assert found.verdicts[0].kind.key == found.kinds[0].key
    assert found.verdicts[0].values == {"amount": "9", "city": None}


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("format",), "oddrow-report", "its format is not 'oddrow-verdicts'"),
        (("version",), 2, "version is 2"),
        (("report",), ..., "report is"),
        (("report",), 5, "report is 5"),
        (("model",), ..., "model is"),
        (("extra",), 1, "extra is 1"),
        (("table", "rows"), -1, "table.rows is -1"),
        (("verdicts",), {}, "verdicts is {}"),
        (("verdicts", 0, "row"), 0, "verdicts.0.row is 0"),
        (("verdicts", 0, "row"), 1.5, "verdicts.0.row is 1.5"),
        (("verdicts", 0, "verdict"), "maybe", "verdicts.0.verdict is 'maybe'"),
        (("verdicts", 0, "kind", "direction"), "sideways", "verdicts.0.kind.direction is 'sideways'"),
        (("kinds", 0, "direction"), "__class__", "kinds.0.direction is '__class__'"),
        (("kinds", 0, "value"), ["a"], r"kinds.0.value is ['a']"),
        (("kinds", 0, "at"), "yesterday", "kinds.0.at is 'yesterday'"),
        (("kinds", 0, "at"), "2026-11-28T09:00:00", "kinds.0.at is '2026-11-28T09:00:00'"),
        (("kinds", 0, "note"), "x" * 10_001, "kinds.0.note is 'xxx"),
        (("kinds", 0, "surprise"), 1, "kinds.0.surprise is 1"),
        (("kinds", 0, "column"), "a\nb\x1b[2J" * 3_000, "kinds.0.column is"),
    ],
)
def test_a_wrong_field_is_one_line_that_names_it(path, value, text, tmp_path):
    file = tmp_path / "v.json"
    file.write_text(json.dumps(changed(path, value)), encoding="utf-8")
    with pytest.raises(DataError) as found:
        read_verdicts(file)
    message = str(found.value)
    assert message.startswith(f"{file}: ")
    assert text in message
    assert "export verdicts again from the report's page" in message
    assert message.isprintable()
    assert len(message) < 600 + len(str(file))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"3",
        b'{"format": "oddrow-verdicts"',
        b'{"format": "oddrow-verdicts", "format": "oddrow-verdicts"}',
        b'{"format": "oddrow-verdicts", "version": NaN}',
        b'{"format": "oddrow-verdicts", "version": 1' + b"0" * 200 + b"}",
        b"[" * 50_000 + b"]" * 50_000,
        b"[" * 200_000,
        b"<html><script>alert(1)</script>",
    ],
)
def test_hostile_bytes_are_one_error(content, tmp_path):
    file = tmp_path / "v.json"
    file.write_bytes(content)
    with pytest.raises(DataError) as found:
        read_verdicts(file)
    assert str(found.value).startswith(f"{file}: ")
    assert "\n" not in str(found.value)


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(DataError, match="cannot be read"):
            read_verdicts(path)
