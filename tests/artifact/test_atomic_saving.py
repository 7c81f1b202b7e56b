"""Whatever goes wrong while saving, and wherever: the old file or the new one is there, whole."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import oddrow
from oddrow.exceptions import OutputError
from testing.model_files import golden
from tests.support.failing_disk import Disk, as_saved_now

ROOT = Path(__file__).parents[2]
OLD, NEW = golden("autoencoder"), as_saved_now("vae")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS)


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    path = tmp_path_factory.mktemp("new") / "model.oddrow"
    path.write_bytes(NEW)
    return oddrow.load(path)


def calls_of_a_save(detector, folder, force):
    disk = Disk(-1, lambda _: pytest.fail("nothing should go wrong"))
    path = folder / "model.oddrow"
    if force:
        path.write_bytes(OLD)
    with disk.plugged_in():
        oddrow.save(detector, path, force=force)
    assert path.read_bytes() == NEW
    path.unlink()
    return disk.calls


def test_a_save_makes_the_system_calls_that_these_tests_let_fail(detector, tmp_path):
    """Or the tests below would test nothing."""
    for force, publish in ((False, "link"), (True, "replace")):
        calls = calls_of_a_save(detector, tmp_path, force)
        assert calls[0] == "create"
        assert calls.count("write") > 3
        assert calls.index("fsync") > max(place for place, name in enumerate(calls) if name == "write")
        assert calls.index(publish) > calls.index("fsync")
        assert calls.count("fsync") == 2  # of the file, and of its folder


@pytest.mark.parametrize("stays_broken", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("number", ERRORS, ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("force", [False, True], ids=["new", "replaced"])
def test_an_error_at_any_call_leaves_the_old_file_or_the_new_one(detector, tmp_path, force, number, stays_broken):
    def fail(name):
        raise OSError(number, os.strerror(number))

    path = tmp_path / "model.oddrow"
    for place, name in enumerate(calls_of_a_save(detector, tmp_path, force)):
        if name == "unlink":  # then there is no way to take the temporary file away
            continue
        if force:
            path.write_bytes(OLD)
        disk = Disk(place, fail, stays_broken=stays_broken)
        try:
            with disk.plugged_in():
                oddrow.save(detector, path, force=force)
        except OutputError as error:
            assert str(error).startswith(f"{path}: ")
            assert str(error).endswith("nothing was written")
            left = {"model.oddrow": OLD} if force else {}
        else:
            left = {"model.oddrow": NEW}
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == left, (place, name)
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("force", [False, True], ids=["new", "replaced"])
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupt_at_any_call_leaves_the_old_file_or_the_new_one(detector, tmp_path, force, interrupt):
    def fail(name):
        raise interrupt

    path = tmp_path / "model.oddrow"
    for place, name in enumerate(calls_of_a_save(detector, tmp_path, force)):
        if name == "unlink":
            continue
        if force:
            path.write_bytes(OLD)
        with pytest.raises(interrupt), Disk(place, fail).plugged_in():
            oddrow.save(detector, path, force=force)
        left = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert left in ([{"model.oddrow": OLD}, {"model.oddrow": NEW}] if force else [{}, {"model.oddrow": NEW}])
        path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    if not hasattr(os, "fork"):
        pytest.skip("processes are stopped by fork and SIGKILL")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    command = [
        sys.executable,
        "-m",
        "tests.support.failing_disk",
        str(tmp_path_factory.mktemp("stopped")),
    ]
    return json.loads(subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout)


@pytest.mark.parametrize("force", [False, True], ids=["new", "replaced"])
def test_a_process_killed_at_any_call_leaves_the_old_file_or_the_new_one(stopped, force):
    kills = [kill for kill in stopped["kills"] if kill["force"] == force]
    assert len(kills) > 8
    for kill in kills[:-1]:
        assert os.WTERMSIG(kill["status"]) == signal.SIGKILL
        whole = {name: content for name, content in kill["left"].items() if not name.endswith(".tmp")}
        assert whole in ([{"model.oddrow": "old"}, {"model.oddrow": "new"}] if force else [{}, {"model.oddrow": "new"}])
    assert kills[-1]["status"] == 0
    assert kills[-1]["left"] == {"model.oddrow": "new"}


def test_a_save_that_reaches_the_file_size_limit_leaves_the_old_file(stopped):
    *refused, allowed = stopped["limits"]
    for limit in refused:
        assert os.WEXITSTATUS(limit["status"]) == 1
        assert limit["left"] == {"model.oddrow": "old"}
    assert allowed["status"] == 0
    assert allowed["left"] == {"model.oddrow": "new"}
