"""Compiled programs are kept for the next process; whatever becomes of the cache, the weights are the same."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stdout
from unittest.mock import patch

import jax
import numpy as np
import pytest

import oddrow.training as training
from oddrow.training import _compilation
from oddrow.training._compilation import FOLDER_VARIABLE, compilations_kept
from oddrow.training._program import compiled_steps

FITTED = """
import warnings
import numpy as np
from dataclasses import replace
import oddrow, oddrow.training as training
training.DEFAULT_TRAINING = replace(training.DEFAULT_TRAINING, max_steps=50)
rows = np.random.default_rng(0).normal(size=(60, 2))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(oddrow.VAEDetector(settings="narrow", random_state=0).fit(rows).surprise(rows).sum().hex())
"""
JAX_SETTINGS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def anew():
    """Nothing is compiled yet in this process."""
    jax.clear_caches()
    compiled_steps.cache_clear()


def programs_in(folder):
    return sorted(path.name for path in folder.rglob("jit_*"))


def compile_something(number):
    with compilations_kept():
        return jax.jit(lambda value: value * number + 1.0).lower(np.float32(0.0)).compile()


def test_a_second_fit_loads_the_program_that_the_first_one_compiled(folder, anew, small_fit):
    first = small_fit(max_steps=40)
    kept = programs_in(folder)
    assert [name.split("-")[0] for name in kept] == ["jit_run"]
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("jit_*")}
    compiled_steps.cache_clear()
    second = small_fit(seed=0, max_steps=40)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("jit_*")} == before
    for name, value in first.parameters.items():
        np.testing.assert_array_equal(value, second.parameters[name])


@pytest.mark.parametrize("cache", ["off", "not a folder", "damaged"])
def test_without_the_cache_the_weights_are_the_same(folder, anew, small_fit, monkeypatch, cache):
    kept = small_fit(max_steps=40)
    if cache == "off":
        monkeypatch.setenv(FOLDER_VARIABLE, "off")
    elif cache == "not a folder":
        monkeypatch.setenv(FOLDER_VARIABLE, __file__)
    else:
        for path in folder.rglob("jit_*"):
            path.write_bytes(b"this is no program")
    compiled_steps.cache_clear()
    without = small_fit(max_steps=40)
    for name, value in kept.parameters.items():
        np.testing.assert_array_equal(value, without.parameters[name])


def test_the_settings_of_jax_are_restored(folder):
    before = {name: getattr(jax.config, name) for name in JAX_SETTINGS}
    compile_something(1.0)
    assert len(programs_in(folder)) == 1
    assert {name: getattr(jax.config, name) for name in JAX_SETTINGS} == before
    jax.jit(lambda value: value * 17.0).lower(np.float32(0.0)).compile()
    assert len(programs_in(folder)) == 1  # a host program's own compilations are not ours to keep


@pytest.mark.parametrize("setting", [("jax_compilation_cache_dir", "theirs"), ("jax_enable_compilation_cache", False)])
def test_a_cache_set_up_by_the_user_is_left_as_it_is(folder, tmp_path, setting):
    name, value = setting
    before = getattr(jax.config, name)
    jax.config.update(name, str(tmp_path / value) if value else value)
    try:
        compile_something(2.0)
    finally:
        jax.config.update(name, before)
        _compilation.compilation_cache.reset_cache()
    assert programs_in(folder) == []


def test_only_the_newest_programs_are_kept(folder, monkeypatch):
    monkeypatch.setattr(_compilation, "MAX_PROGRAMS", 2)
    for number in (1.0, 2.0, 3.0):
        compile_something(number)
        for path in folder.rglob("jit_*"):
            os.utime(path, ns=(path.stat().st_mtime_ns - 10**9,) * 2)
    assert len(programs_in(folder)) == 2


def test_the_default_folder_is_the_users_cache_folder(tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    assert _compilation._folder().parent == tmp_path / "oddrow" / "compiled"
    assert _compilation._folder().stat().st_mode & 0o077 == 0


def test_another_process_loads_the_program_that_this_one_kept(folder, anew):
    """The same form compiled there: nothing new is put into the folder."""
    said = io.StringIO()
    with patch.object(training, "DEFAULT_TRAINING", training.DEFAULT_TRAINING), redirect_stdout(said):
        exec(FITTED, {})  # noqa: S102 - the very lines that the other process runs
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("jit_*")}
    assert len(programs_in(folder)) == 1
    there = subprocess.run([sys.executable, "-c", FITTED], capture_output=True, text=True, check=True).stdout
    assert there == said.getvalue()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("jit_*")} == before
