"""Pictures become files: all of them or none, each whole or not at all."""

import os
import sys

import pytest

from oddrow.exceptions import MissingExtraError, OutputError
from oddrow.pictures import _files
from oddrow.pictures._files import write_pictures


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Two pictures of few bytes, to be written to a folder that does not exist yet."""
    monkeypatch.setattr(_files, "_render", lambda figure: [f"{figure} {form}".encode() for form in "ab"])
    return {tmp_path / "made" / "run-1.5": lambda: "first", tmp_path / "made" / "run-2": lambda: "second"}


def contents_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_each_picture_is_written_in_both_formats_into_a_folder_made_on_demand(tmp_path, pictures):
    paths = write_pictures(pictures, force=False)
    names = ["run-1.5.png", "run-1.5.svg", "run-2.png", "run-2.svg"]
    assert paths == [tmp_path / "made" / name for name in names]
    assert list(contents_of(tmp_path / "made").values()) == [b"first a", b"first b", b"second a", b"second b"]


def test_nothing_is_drawn_or_written_when_one_file_exists_unless_forced(tmp_path, pictures):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "run-2.svg").write_bytes(b"mine")
    in_vain = dict.fromkeys(pictures, lambda: pytest.fail("drawn in vain"))
    with pytest.raises(OutputError, match=r"run-2\.svg exists already.*force=True"):
        write_pictures(in_vain, force=False)
    assert contents_of(tmp_path / "made") == {"run-2.svg": b"mine"}
    write_pictures(pictures, force=True)
    assert len(contents_of(tmp_path / "made")) == 4
    assert (tmp_path / "made" / "run-2.svg").read_bytes() == b"second b"


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path, pictures):
    (tmp_path / "made").write_text("a file")
    with pytest.raises(OutputError, match=r"run-1\.5\.png cannot be written: .*; choose another folder"):
        write_pictures(pictures, force=False)


def test_a_write_that_fails_leaves_the_old_file_and_no_temporary_file(tmp_path, monkeypatch, pictures):
    def refuse(_: int) -> None:
        raise OSError(28, "No space left")

    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "run-1.5.png").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OutputError, match=r"run-1\.5\.png: the disk is full; nothing was written"):
        write_pictures(pictures, force=True)
    assert contents_of(tmp_path / "made") == {"run-1.5.png": b"old"}


def test_without_matplotlib_the_error_names_the_install_command(tmp_path, monkeypatch, pictures):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'oddrow\[plot\]'"):
        write_pictures(pictures, force=False)
    assert not (tmp_path / "made").exists()
