"""A fit that was killed and resumed ends with the same bits; a file that is not its own is refused in one line."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import oddrow
from oddrow.datasets import make_connections
from oddrow.density import FitEnd, FittedNetwork
from oddrow.exceptions import CheckpointError, OutputError, SettingError, TrainingHealthWarning
from oddrow.training import Interruption, discard_checkpoint
from testing.model_files import HEADER, packed, parts, sections

SmallFit = Callable[..., FittedNetwork]
MAGIC = b"ODDROWCP"


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(step: int) -> Callable[[int, int, float], None]:
    def on_progress(done: int, steps: int, loss: float) -> None:
        if done >= step:
            raise Killed

    return on_progress


def kept(folder: Path, *, resume: bool = False) -> Interruption:
    return Interruption(checkpoint=folder, resume=resume)


def the_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def assert_same_fit(first: FittedNetwork, second: FittedNetwork) -> None:
    for name, value in first.parameters.items():
        np.testing.assert_array_equal(value, second.parameters[name])
    for name, value in vars(first.learning_curve).items():
        np.testing.assert_array_equal(value, getattr(second.learning_curve, name))
    told, retold = (vars(fit.health) | {"learning_curve": None, "diagnoses": None} for fit in (first, second))
    assert told == retold


# Resumed


@pytest.mark.parametrize("changed", [{}, {"learning_rate": 1e-4, "patience": None}, {"is_watched": False}])
def test_a_fit_resumed_after_every_check_gives_the_uninterrupted_fit(small_fit: SmallFit, tmp_path, changed) -> None:
    """Killed at the first check it reaches, again and again: every state on the way is gone through the file."""
    rng, resumed_rng = np.random.default_rng(0), np.random.default_rng(0)
    whole = small_fit(rng=rng, **changed)
    for step in whole.learning_curve.step:
        with pytest.raises(Killed):
            interruption = kept(tmp_path, resume=True)
            small_fit(interruption=interruption, on_progress=kill_at(int(step)), **changed)
    resumed = small_fit(rng=resumed_rng, interruption=kept(tmp_path, resume=True), **changed)
    assert_same_fit(resumed, whole)
    assert resumed_rng.random() == rng.random()  # and whatever is drawn after the fit is the same too


def test_a_rollback_is_part_of_the_checkpoint(small_fit: SmallFit, tmp_path) -> None:
    wild = {"learning_rate": 1e4, "anneal": False, "patience": None, "max_steps": 100}
    whole = small_fit(**wild)
    assert whole.health.rollbacks
    with pytest.raises(Killed):
        small_fit(interruption=kept(tmp_path), on_progress=kill_at(40), **wild)
    assert_same_fit(small_fit(interruption=kept(tmp_path, resume=True), **wild), whole)


def test_resuming_a_fit_that_has_ended_does_no_further_step(small_fit: SmallFit, tmp_path) -> None:
    whole = small_fit(interruption=kept(tmp_path))
    told: list[int] = []
    again = small_fit(interruption=kept(tmp_path, resume=True), on_progress=lambda *one: told.append(one[0]))
    assert_same_fit(again, whole)
    assert told == []


def test_writing_checkpoints_does_not_change_the_fit(small_fit: SmallFit, tmp_path) -> None:
    assert_same_fit(small_fit(interruption=kept(tmp_path / "new" / "folder")), small_fit())


def test_resuming_without_a_checkpoint_starts_the_fit(small_fit: SmallFit, tmp_path) -> None:
    assert_same_fit(small_fit(interruption=kept(tmp_path, resume=True)), small_fit())


def test_a_fit_cut_off_by_the_time_limit_goes_on_when_resumed(small_fit: SmallFit, tmp_path) -> None:
    short = small_fit(interruption=Interruption(checkpoint=tmp_path, time_limit=1e-9))
    assert (short.health.end, short.learning_curve.step.tolist()) == (FitEnd.TIME_LIMIT, [20])
    assert_same_fit(small_fit(interruption=kept(tmp_path, resume=True)), small_fit())


KILLED = """
import sys
import oddrow
from oddrow.datasets import make_connections

def told(done, steps, loss):
    print(done, flush=True)
    sys.stdin.readline()  # a busy machine may delay the kill: no fit ends before it

folder, model = sys.argv[1:]
rows = make_connections(200, odd_share=0, random_state=0).table
fixed = {"settings": "narrow", "random_state": 0, "max_steps": 300}
detector = oddrow.VAEDetector(**fixed, checkpoint=folder, resume=True, on_progress=told)
oddrow.save(detector.fit(rows), model)
"""


def test_a_process_killed_at_random_moments_leaves_the_same_model_file(tmp_path: Path) -> None:
    """Two SIGKILLs, each at a random check and a random moment after it; then the process is left to end."""
    rng = np.random.default_rng()
    folder, model = tmp_path / "kept", tmp_path / "resumed"
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "ignore", "-c", KILLED, str(folder), str(model)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=one_thread)

    moments = []
    for _ in range(2):
        with start() as process:
            told = []
            for _ in range(rng.integers(1, 3)):
                told.append(process.stdout.readline().strip())
                process.stdin.write("go on to the next check\n")
                process.stdin.flush()
            time.sleep(rng.uniform(0, 0.02))
            process.kill()
        moments.append(told[-1])
        assert process.returncode == -signal.SIGKILL
        assert the_file(folder)
    with start() as process:
        process.communicate()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingHealthWarning)
        rows = make_connections(200, odd_share=0, random_state=0).table
        whole = oddrow.VAEDetector(settings="narrow", random_state=0, max_steps=300).fit(rows)
    oddrow.save(whole, tmp_path / "whole")
    assert model.read_bytes() == (tmp_path / "whole").read_bytes(), moments
    assert not list(folder.iterdir())  # a fit that has ended leaves no checkpoint


# Refused


@pytest.fixture
def checkpoint(small_fit: SmallFit, tmp_path) -> Path:
    """The file of a fit killed at step 60."""
    with pytest.raises(Killed):
        small_fit(interruption=kept(tmp_path), on_progress=kill_at(60))
    return the_file(tmp_path)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"table_seed": 5}, "another table"),
        ({"n_rows": 51}, r"another number of rows \(114 there, 115 here\)"),
        ({"seed": 1}, "another random_state"),
        ({"learning_rate": 2e-2}, r"other settings \(learning_rate 0\.01 there and 0\.02 here\)"),
        ({"max_steps": 220}, r"other settings \(max_steps 200 there and 220 here\)"),
    ],
)
def test_resuming_another_fit_is_refused_with_the_difference(
    small_fit: SmallFit, checkpoint: Path, other, said
) -> None:
    with pytest.raises(CheckpointError, match=said):
        small_fit(interruption=kept(checkpoint.parent, resume=True), **other)


def test_a_checkpoint_is_not_overwritten_without_resume(small_fit: SmallFit, checkpoint: Path) -> None:
    before = checkpoint.read_bytes()
    with pytest.raises(OutputError, match="keeps a fit that has not ended; go on with it"):
        small_fit(interruption=kept(checkpoint.parent))
    assert checkpoint.read_bytes() == before


def test_an_interrupt_writes_the_last_check_to_the_file(small_fit: SmallFit, checkpoint: Path) -> None:
    """However seldom it is written on the way."""
    checks = parts(checkpoint.read_bytes())[1]["checks"]
    assert checks[:, 0].tolist() == [20, 40, 60]


def test_discarding_a_checkpoint_twice_is_no_error(checkpoint: Path) -> None:
    discard_checkpoint(checkpoint.parent)
    discard_checkpoint(checkpoint.parent)
    assert not checkpoint.exists()


def test_a_checkpoint_folder_that_cannot_be_made_is_an_output_error(small_fit: SmallFit, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="cannot be a folder"):
        small_fit(interruption=kept(tmp_path / "file"))


def test_a_generator_that_is_not_pcg64_is_refused(small_fit: SmallFit, tmp_path) -> None:
    with pytest.raises(SettingError, match="random_state draws from Philox; a checkpoint needs"):
        small_fit(rng=np.random.Generator(np.random.Philox(0)), interruption=kept(tmp_path))


# Hostile


def rebuilt(content: bytes, change: Callable[[dict[str, np.ndarray], dict], None]) -> bytes:
    """The file with its parts changed by someone who knows how to hash."""
    manifest, arrays = parts(content)
    change(arrays, manifest)
    body = safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return packed(json.dumps(manifest).encode(), body, magic=MAGIC)


def hashed(content: bytes, body: bytes) -> bytes:
    return packed(sections(content)[0], body, magic=MAGIC)


def put(name: str, value: object) -> Callable[[dict[str, np.ndarray], dict], None]:
    return lambda arrays, _: arrays.__setitem__(name, np.asarray(value))


def tell(name: str, value: object) -> Callable[[dict[str, np.ndarray], dict], None]:
    return lambda _, manifest: manifest.__setitem__(name, value)


def generator(**changed: int) -> Callable[[dict[str, np.ndarray], dict], None]:
    return lambda _, manifest: manifest["rng"].update(changed)


def nan_weight(arrays: dict[str, np.ndarray], manifest: dict) -> None:
    arrays["weights"] = arrays["weights"].copy()
    arrays["weights"][3] = np.nan


def nested(arrays: dict[str, np.ndarray], manifest: dict) -> None:
    deep: list = []
    for _ in range(900):
        deep = [deep]
    manifest["rollbacks"] = deep


HOSTILE = {
    "empty": lambda _: b"",
    "half a magic": lambda content: content[:4],
    "a header alone": lambda content: content[: HEADER.size],
    "truncated": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "one bit": lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
    "another file": lambda content: b"PK\x03\x04" + content[4:],
    "a future protocol": lambda content: content[:8] + struct.pack("<I", 2) + content[12:],
    "no safetensors": lambda content: hashed(content, b"not safetensors at all"),
    "a huge header": lambda content: hashed(content, struct.pack("<Q", 2**60) + b"{}"),
    "deep JSON": lambda content: rebuilt(content, nested),
    "no manifest": lambda content: packed(b"", sections(content)[1], magic=MAGIC),
    "a model file": lambda content: packed(*sections(content)),
    "another job's facts": lambda content: rebuilt(content, lambda _, manifest: manifest["identity"].clear()),
    "no weights": lambda content: rebuilt(content, lambda arrays, _: arrays.pop("weights")),
    "too many weights": lambda content: rebuilt(content, put("weights", np.zeros(10_000, np.float32))),
    "weights of another type": lambda content: rebuilt(content, put("best_weights", np.zeros(3, np.int64))),
    "NaN weights": lambda content: rebuilt(content, nan_weight),
    "an array more": lambda content: rebuilt(content, put("stowaway", np.zeros(1))),
    "no check": lambda content: rebuilt(content, put("checks", np.zeros((0, 6)))),
    "checks out of order": lambda content: rebuilt(content, put("checks", np.ones((3, 6)))),
    "rows beyond the table": lambda content: rebuilt(content, put("waiting", np.array([50], np.int32))),
    "negative rows": lambda content: rebuilt(content, put("waiting", np.array([-1], np.int32))),
    "a best check that never was": lambda content: rebuilt(content, tell("best", 99)),
    "a negative best check": lambda content: rebuilt(content, tell("best", -1)),
    "an end unheard of": lambda content: rebuilt(content, tell("end", "victory")),
    "a generator out of range": lambda content: rebuilt(content, generator(state=2**128)),
    "a negative generator": lambda content: rebuilt(content, generator(inc=-1)),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_checkpoint_raises_checkpoint_error(small_fit: SmallFit, checkpoint: Path, hostile: str) -> None:
    broken = HOSTILE[hostile](checkpoint.read_bytes())
    checkpoint.write_bytes(broken)
    with pytest.raises(CheckpointError) as caught:
        small_fit(interruption=kept(checkpoint.parent, resume=True))
    text = str(caught.value)
    assert text.startswith(f"{checkpoint}: cannot go on from this checkpoint: ")
    assert "\n" not in text
    assert checkpoint.read_bytes() == broken


def test_a_checkpoint_far_too_large_is_not_read(small_fit: SmallFit, checkpoint: Path) -> None:
    with checkpoint.open("r+b") as file:
        file.truncate(2**40)  # sparse: nothing is on the disk
    with pytest.raises(CheckpointError, match="no file of ours"):
        small_fit(interruption=kept(checkpoint.parent, resume=True))


def test_a_folder_in_place_of_the_checkpoint_is_an_error(small_fit: SmallFit, checkpoint: Path) -> None:
    checkpoint.unlink()
    checkpoint.mkdir()
    with pytest.raises(CheckpointError, match="no file of ours"):
        small_fit(interruption=kept(checkpoint.parent, resume=True))
