"""Files appear whole or not at all, and what cannot be written is said before the work."""

import errno
import os
import stat
from pathlib import Path

import pytest

from oddrow.exceptions import DataError, OutputError
from oddrow.files import atomic_folder, atomic_write, check_target


def test_that_a_file_exists_is_said_before_the_work_is_done(tmp_path):
    (tmp_path / "model").write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"), atomic_write(tmp_path / "model"):
        pytest.fail("the block ran in vain")


def test_a_file_that_comes_up_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(OutputError, match="exists already"), atomic_write(path) as file:
        file.write(b"mine")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links_the_same_promises_hold(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "model"
    with atomic_write(path) as file:
        file.write(b"mine")
    assert path.read_bytes() == b"mine"
    path.unlink()
    with pytest.raises(OutputError, match="exists already"), atomic_write(path) as file:
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_shows_only_when_it_is_whole(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    with atomic_write(path, force=True) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, DataError])
def test_a_failing_block_leaves_everything_as_it_was(tmp_path, force, error):
    path = tmp_path / "model"
    if force:
        path.write_bytes(b"old")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(error), atomic_write(path, force) as file:
        file.write(b"half")
        raise error
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_bytes_reach_the_disk_before_they_take_the_name(tmp_path, monkeypatch):
    path = tmp_path / "model"
    steps = []
    real = os.fsync

    def note(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        steps.append((kind, path.exists(), os.fstat(descriptor).st_size if kind == "file" else None))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with atomic_write(path) as file:
        file.write(b"12345")
    assert steps == [("file", False, 5), ("folder", True, None)]


def test_permissions_are_those_of_any_new_file_or_of_the_old_one(tmp_path):
    plain, path = tmp_path / "plain", tmp_path / "model"
    plain.write_bytes(b"")
    with atomic_write(path):
        pass
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    with atomic_write(path, force=True):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_writing_to_a_link_replaces_the_file_that_it_points_to(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link", force=True) as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputError, match=r"model: no permission to write"), atomic_write(tmp_path / "model"):
        pass


@pytest.mark.parametrize(
    ("name", "force", "message"),
    [
        ("file", False, r"file: exists already; .* or replace it with force=True$"),
        ("link", False, r"link: exists already; .*force=True$"),
        ("nowhere/file", True, r"nowhere/file: there is no folder .*nowhere; create it first$"),
        ("file/file", True, r"there is no folder .*file; create it first$"),
        ("folder", True, r"folder: is a folder; give the path of a file$"),
        (os.devnull, True, "is not a regular file, so it cannot be replaced by one$"),
    ],
)
def test_a_target_that_cannot_be_written_is_named_before_and_while_writing(tmp_path, name, force, message):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / name, str(tmp_path / name)):
        with pytest.raises(OutputError, match=message) as asked:
            check_target(path, force)
        with pytest.raises(OutputError) as refused, atomic_write(path, force):
            pytest.fail("the block ran in vain")
        assert str(asked.value) == str(refused.value)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(("name", "force"), [("new", False), ("new", True), ("file", True), ("link", True)])
def test_asking_whether_a_file_can_be_written_touches_nothing(tmp_path, name, force):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    check_target(tmp_path / name, force)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_comes_whole_or_not_at_all(tmp_path):
    with atomic_folder(tmp_path / "table", "*.bin") as folder:
        (folder / "a.bin").write_bytes(b"a")
        assert not (tmp_path / "table").exists()
    assert [path.name for path in (tmp_path / "table").iterdir()] == ["a.bin"]
    with pytest.raises(ValueError, match="no more"), atomic_folder(tmp_path / "other", "*.bin") as folder:
        (folder / "a.bin").write_bytes(b"a")
        raise ValueError("no more")
    assert [path.name for path in tmp_path.iterdir()] == ["table"]


def test_a_folder_is_replaced_only_by_force_and_never_with_what_is_not_ours(tmp_path):
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "old.bin").touch()
    with pytest.raises(OutputError, match="exists already"), atomic_folder(folder, "*.bin"):
        pytest.fail("the block ran in vain")
    with atomic_folder(folder, "*.bin", force=True) as new:
        (new / "new.bin").touch()
    assert [path.name for path in folder.iterdir()] == ["new.bin"]
    (folder / "thesis.txt").touch()
    with pytest.raises(OutputError, match=r"holds 'thesis\.txt'"), atomic_folder(folder, "*.bin", force=True):
        pytest.fail("the block ran in vain")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"), atomic_folder(tmp_path / "file", "*.bin", force=True):
        pytest.fail("the block ran in vain")
    with pytest.raises(OutputError, match="no folder"), atomic_folder(tmp_path / "no" / "where", "*.bin"):
        pytest.fail("the block ran in vain")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "table"]


def test_a_folder_that_comes_up_meanwhile_is_not_overwritten(tmp_path):
    with pytest.raises(OutputError, match="exists already"), atomic_folder(tmp_path / "table", "*.bin"):
        (tmp_path / "table").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["table"]
