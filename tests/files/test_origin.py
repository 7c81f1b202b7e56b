"""What a model file tells of the table that it was fitted to."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest

from oddrow.exceptions import SettingError, TableReadError
from oddrow.files import Origin


def test_the_origin_is_that_of_the_bytes_of_all_files(tmp_path, monkeypatch):
    monkeypatch.setattr("oddrow.files._origin._BLOCK_BYTES", 4)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_bytes(b"x\n1\n2\n" + path.name.encode())
    origin = Origin.of("*.csv", paths)
    assert (origin.table, origin.oddrow, origin.csv) == ("*.csv", version("oddrow"), None)
    assert origin.sha256 == hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    assert Origin.of("-", ()).sha256 is None
    with pytest.raises(TableReadError, match=r"none\.csv: cannot be read"):
        Origin.of("t", [tmp_path / "none.csv"])


def test_a_name_that_is_not_utf8_is_stored_as_utf8():
    assert Origin.of(os.fsdecode(b"caf\xe9.csv"), ()).table == "caf?.csv"


def test_the_moment_is_now_or_as_it_is_given(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    created = datetime.fromisoformat(Origin.of("t", ()).created)
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=5)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert Origin.of("t", ()).created == "2023-11-14T22:13:20+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "noon")
    with pytest.raises(SettingError, match="SOURCE_DATE_EPOCH is 'noon'; give whole seconds"):
        Origin.of("t", ())
