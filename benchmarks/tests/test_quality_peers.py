"""Detectors of other packages in a process of their own, and rivals written from papers."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import _peers
from benchmarks.quality import _peer_methods, quality
from benchmarks.quality._peer_methods import Environment, Peer, PeerError, PeerMethod, close_all, peer_method
from benchmarks.quality._results import read
from benchmarks.quality._written_rivals import diffusion_time, discriminant_vectors
from oddrow.comparison import MethodRows

FAKE = '''
"""Detectors that a fake peer's environment holds."""
import os, random, sys, threading
import numpy as np

class Far:
    def __init__(self, factor=1.0, random_state=None):
        self.factor, self.random_state = factor, random_state
    def fit(self, rows):
        print("no answer", file=sys.stdout)
        self.decision_scores_ = np.full(len(rows), -1.0)
    def decision_function(self, rows):
        return self.factor * np.abs(rows).sum(axis=1)

class Told(Far):
    def decision_function(self, rows):
        return np.array([os.getpid(), self.random_state, random.Random(self.random_state).random() == 0])[: len(rows)]

class Drawn(Far):
    def decision_function(self, rows):
        return np.random.random(len(rows)) + random.random()

class Broken(Far):
    def fit(self, rows):
        raise ArithmeticError("two\\nlines")

class Dead(Far):
    def fit(self, rows):
        print("out of luck", file=sys.stderr, flush=True)
        os._exit(3)

class Endless(Far):
    def fit(self, rows):
        threading.Event().wait()
'''


@pytest.fixture
def fake(tmp_path):
    """Makes the method of one of the fake detectors; the worker is the real one, in a folder beside them."""
    (tmp_path / "fake_package.py").write_text(FAKE, encoding="utf-8")
    worker = Path(shutil.copy(_peer_methods.WORKER, tmp_path / "worker.py"))

    def method(kind, limit=60.0, **settings):
        peer = Peer(Environment("none", ()), "fake", "fake_package", kind, settings)
        return PeerMethod(f"peer:{kind}", peer, Path(sys.executable), limit, worker)

    yield method
    close_all()


def rows_of(*numbers):
    encoded = np.array(numbers, np.float64)[:, None]
    return MethodRows(pa.table({"x": encoded[:, 0]}), encoded)


def scores(method, *numbers, seed=0):
    return method.fit(rows_of(1, 2), seed)(rows_of(*numbers)).tolist()


def test_a_peer_scores_rows_in_its_own_process_with_its_settings_and_the_seed(fake):
    assert scores(fake("Far", factor=2.0), 3, -4, 0) == [6, 8, 0]
    process, seed = scores(fake("Told"), 3, 4, seed=7)
    assert process != scores(fake("Told"), 1, 1)[1] and seed == 7
    assert scores(fake("Told"), 3, 4)[0] == process  # one process serves all runs


def test_the_seed_decides_what_a_peer_draws(fake):
    first = scores(fake("Drawn"), 3, 4, seed=1)
    assert scores(fake("Drawn"), 3, 4, seed=2) != first
    assert scores(fake("Drawn"), 3, 4, seed=1) == first


def test_the_training_rows_get_the_scores_that_the_peer_gave_them_in_its_fit(fake):
    assert scores(fake("Far"), 1, 2) == [-1, -1]


def test_an_exception_of_a_peer_is_told_and_its_process_goes_on(fake):
    process = scores(fake("Told"), 3, 4)[0]
    with pytest.raises(PeerError, match=r"ArithmeticError: two\nlines"):
        scores(fake("Broken"), 3)
    assert scores(fake("Told"), 3, 4)[0] == process


def test_a_peer_that_ends_is_told_with_its_last_words_and_another_is_started(fake):
    process = scores(fake("Told"), 3, 4)[0]
    with pytest.raises(PeerError, match=r"its process ended with status 3: out of luck"):
        scores(fake("Dead"), 3)
    assert scores(fake("Told"), 3, 4)[0] != process


def test_a_peer_that_takes_too_long_is_ended_and_another_is_started(fake):
    process = scores(fake("Told"), 3, 4)[0]
    with pytest.raises(PeerError, match=r"took longer than the limit of 0\.2 s \(--limit\)"):
        scores(fake("Endless", limit=0.2), 3)
    assert scores(fake("Told"), 3, 4)[0] != process


def test_a_worker_ends_with_the_process_that_asks_even_when_it_is_busy(fake):
    with pytest.raises(PeerError, match=r"limit of 0\.2"):
        scores(fake("Endless", limit=0.2), 3)
    scores(fake("Far"), 3)
    (running,) = _peer_methods._running.values()
    with pytest.raises(PeerError, match=r"limit of 0\.1"):
        running.ask(request_of(running, "Endless"), 0.1)
    running.process.stdin.close()
    assert running.process.wait(timeout=60) == 0


def request_of(running, kind):
    files = {name: str(running.path(name)) for name in ("training", "test", "scores")}
    return {"module": "fake_package", "name": kind, "settings": {}, "seed": 0, **files}


def test_results_hold_a_peers_own_seconds_and_its_failures(fake, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "sets"
    folder.mkdir()
    np.savez(folder / "one.npz", X=np.arange(60.0)[:, None], y=np.arange(60) >= 50)
    methods = {f"peer:{kind}": fake(kind, limit=20.0) for kind in ("Far", "Broken")}
    given = []

    def named(name, limit=0.0):
        given.append(limit)
        return methods[name]

    monkeypatch.setattr("benchmarks.quality._runs.peer_method", named)
    monkeypatch.setattr("benchmarks.quality.quality.install", lambda _: None)
    results = tmp_path / "results.csv"
    arguments = ["--data", str(folder), "--results", str(results), "--jobs", "1", "--protocol", "half", "--seeds", "1"]
    quality.main([*arguments, "--methods", "knn1,peer:Far,peer:Broken", "--reference", "knn1", "--limit", "20"])
    rival, far, broken = read(results)
    assert (rival.method, rival.auroc, far.method, far.auroc) == ("knn1", 1.0, "peer:Far", 1.0)
    assert 0 <= far.fit_seconds < 20 and far.error == "" and far.commit.startswith("fake-missing+code-")
    assert (broken.auroc, broken.error) == (None, "PeerAnswerError: ArithmeticError: two lines")
    assert 20 in given
    assert "peer:Broken failed on sets/one" in capsys.readouterr().out
    assert _peer_methods._running == {}


def test_the_version_of_a_peer_changes_with_its_settings_and_not_with_the_limit(fake):
    first = fake("Far").version
    assert fake("Far", limit=1.0).version == first
    assert fake("Far", factor=2.0).version != first
    assert fake("Told").version != first


def test_the_version_of_a_peer_changes_with_the_packages_of_its_environment(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(_peers, "FOLDER", tmp_path)
    first = fake("Far").version
    assert first.startswith("fake-missing+")
    for name in ("fake-1.5", "numpy-9.9"):
        folder = tmp_path / "none" / "lib" / "python3.11" / "site-packages" / f"{name}.dist-info"
        folder.mkdir(parents=True)
        package, number = name.split("-")
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {number}\n")
    installed = fake("Far").version
    assert installed.startswith("fake-1.5+") and installed.partition("+")[2] != first.partition("+")[2]


def test_a_peer_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ValueError, match=r"no method 'peer:none'; choose from peer:lunar, "):
        peer_method("peer:none")


def test_some_packages_are_installed_without_what_they_ask_for(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(_peers, "FOLDER", tmp_path)
    monkeypatch.setattr(_peers.venv, "create", lambda folder, **_: folder.mkdir(exist_ok=True))
    done = SimpleNamespace(returncode=0)
    monkeypatch.setattr(_peers.subprocess, "run", lambda command, **_: commands.append(command[3:]) or done)
    python = _peers.peer_python("some", "one==1", alone=["two==2"])
    assert commands == [["install", "--quiet", "one==1"], ["install", "--quiet", "--no-deps", "two==2"]]
    assert _peers.peer_python("some", "one==1", alone=["two==2"]) == python and len(commands) == 2
    _peers.peer_python("some", "one==1")
    assert len(commands) == 3


def test_what_cannot_be_installed_is_named(tmp_path, monkeypatch, capsys):
    failed = SimpleNamespace(returncode=1, stderr="no\nNo matching distribution")
    monkeypatch.setattr(_peers, "FOLDER", tmp_path)
    monkeypatch.setattr(_peers.venv, "create", lambda folder, **_: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(_peers.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(PeerError, match=r"one==1 cannot be installed; leave its methods out"):
        Environment("some", ("one==1",)).install()
    assert "No matching distribution" in capsys.readouterr().err


def test_the_worker_imports_nothing_of_ours():
    code = "import sys, runpy; runpy.run_path(sys.argv[1]); print([m for m in sys.modules if 'oddrow' in m])"
    command = [sys.executable, "-c", code, str(_peer_methods.WORKER)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_diffusion_time_is_the_mean_squared_distance_to_the_five_nearest():
    training = np.arange(7.0)[:, None]
    assert diffusion_time(training, 0)(np.array([[0.0], [10.0]])) == pytest.approx(
        [30 / 5, (16 + 25 + 36 + 49 + 64) / 5]
    )
    assert diffusion_time(training, 0)(training)[3] == pytest.approx((1 + 1 + 4 + 4 + 9) / 5)  # without itself
    assert diffusion_time(training[:2], 0)(training[:1]) == pytest.approx([0.0])


def test_discriminant_vectors_measure_the_nearest_distance_where_one_row_hardly_changes_the_scatter():
    rng = np.random.default_rng(0)
    training, test = rng.normal(size=(4_000, 6)), rng.normal(size=(50, 6))
    marked = np.vstack([training, training.max(axis=0)])
    nearest = np.linalg.norm(test[:, None] - marked[None], axis=2).min(axis=1)
    score = discriminant_vectors(training, 0)
    assert score(test) == pytest.approx(nearest)  # all directions are kept
    assert score(marked[-1:]) == pytest.approx([0.0], abs=1e-6)  # the artificial row is a neighbour, too
    assert np.all(score(training) > 0)  # no row is its own neighbour


def test_discriminant_vectors_lengthen_no_distance():
    rng = np.random.default_rng(0)
    training, test = rng.normal(size=(100, 6)), rng.normal(size=(50, 6))
    marked = np.vstack([training, training.max(axis=0)])
    nearest = np.linalg.norm(test[:, None] - marked[None], axis=2).min(axis=1)
    found = discriminant_vectors(training, 0)(test)
    assert np.all(found < nearest)  # some directions are left out, and those that are kept are orthonormal


def test_discriminant_vectors_take_columns_that_repeat_and_columns_that_are_constant():
    rows = np.random.default_rng(0).normal(size=(100, 2))
    training = np.column_stack([rows, rows[:, 0], np.zeros(100)])
    far = np.array([[9.0, 9.0, 9.0, 0.0]])
    score = discriminant_vectors(training, 0)
    assert np.isfinite(score(training)).all() and score(far) > score(training).max()
