"""How a fit went, what ends it early, and how it goes on: on the command line."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import oddrow
from oddrow.cli import _console

TRAINED = ("--label", "label", "--normal", "normal")


def test_info_shows_the_health_of_the_fit(run, model_file: Path) -> None:
    health = oddrow.load(model_file).health_
    found = json.loads(run("info", model_file, "--json").out)["health"]
    assert found["end"] == health.end
    assert found["device"] == health.device == "cpu"
    assert found["active_latent_units"] == health.n_active
    assert found["kl_by_latent_unit"] == list(health.kl)
    assert [one["name"] for one in found["diagnoses"]] == [one.name for one in health.diagnoses]
    lines = run("info", model_file).out
    assert (
        f"trained on cpu; the fit ended because {health.end.sentence}; {health.n_active} of 32 latent units are active"
        in lines
    )
    for diagnosis in health.diagnoses:
        assert diagnosis.text in " ".join(lines.split())


def test_a_device_that_is_not_there_is_a_usage_error_that_names_it(run, labelled_csv: Path, tmp_path: Path) -> None:
    refused = run("fit", labelled_csv, "-o", tmp_path / "m.oddrow", *TRAINED, "--device", "abacus")
    assert refused.code == 2
    assert "device is 'abacus', and JAX finds none here" in refused.err
    assert not (tmp_path / "m.oddrow").exists()


def test_a_fault_is_a_note_on_stderr_and_not_an_error(run, labelled_csv: Path, tmp_path: Path) -> None:
    model = tmp_path / "m.oddrow"
    fitted = run("fit", labelled_csv, "-o", model, *TRAINED, "--time-limit", "1e-9")
    assert (fitted.code, fitted.out) == (0, "")
    assert fitted.err.count("warning: not converged: its time limit was reached after 50 of 100 steps") == 1
    assert "warning: not converged" in run("info", model).out
    assert run("fit", labelled_csv, "-o", model, *TRAINED, "--max-steps", "50", "--force", "--quiet").err == ""


def test_a_fault_that_is_not_certain_is_a_note(run, labelled_csv: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("".join(labelled_csv.read_text().splitlines(keepends=True)[:60]))
    fitted = run("fit", small, "-o", tmp_path / "m.oddrow", "--ignore", "label", "--max-steps", "50")
    assert "note: not converged" in fitted.err
    assert "warning" not in fitted.err


def test_a_resumed_fit_gives_the_model_of_an_uninterrupted_fit(run, labelled_csv, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")  # the file tells when it was made
    model, whole, folder = tmp_path / "m.oddrow", tmp_path / "whole.oddrow", tmp_path / "kept"
    keep = ("--checkpoint", folder)
    assert run("fit", labelled_csv, "-o", model, *TRAINED, *keep, "--time-limit", "1e-9").code == 0
    again = run("fit", labelled_csv, "-o", model, *TRAINED, *keep, "--force")
    assert again.code == 1
    assert "keeps a fit that has not ended; go on with it by --resume" in again.err
    other = run("fit", labelled_csv, "-o", model, *TRAINED, *keep, "--force", "--resume", "--kl-weight", "2")
    assert other.code == 4
    assert "other settings (kl_weight 1.0 there and 2.0 here)" in other.err
    assert run("fit", labelled_csv, "-o", model, *TRAINED, *keep, "--force", "--resume").code == 0
    assert run("fit", labelled_csv, "-o", whole, *TRAINED).code == 0
    assert model.read_bytes() == whole.read_bytes()
    assert not list(folder.iterdir())


def test_resuming_needs_a_checkpoint_and_a_limit_is_positive(run, labelled_csv: Path, tmp_path: Path) -> None:
    for options in (("--resume",), ("--time-limit", "0"), ("--max-steps", "0")):
        assert run("fit", labelled_csv, "-o", tmp_path / "m.oddrow", *options).code == 2


# Ctrl-C


@pytest.mark.parametrize(("typed", "kept"), [("\n", True), ("Y\n", True), ("yes\n", True), ("c\n", False)])
def test_the_question_is_asked_until_it_is_answered(monkeypatch, capsys, typed: str, kept: bool) -> None:
    lines = iter(["what?\n", typed])
    monkeypatch.setattr(sys.stdin, "readline", lambda: next(lines), raising=False)
    assert _console.ask_whether_kept() is kept
    said = capsys.readouterr()
    assert said.err == "keep the best weights so far? [Y/n/continue] " * 2
    assert said.out == ""


@pytest.mark.parametrize("typed", ["n\n", "no\n", ""])
def test_a_no_and_the_end_of_the_input_raise_keyboard_interrupt(monkeypatch, typed: str) -> None:
    monkeypatch.setattr(sys.stdin, "readline", lambda: typed, raising=False)
    with pytest.raises(KeyboardInterrupt):
        _console.ask_whether_kept()


def interrupted(arguments: list[str], folder: Path, answer: bytes | None) -> tuple[int, bytes]:
    """Code and stderr of a fit that is interrupted once it trains; on a terminal where there is an answer."""
    command = [sys.executable, "-m", "oddrow", *arguments]
    ours, theirs = pty.openpty()
    stream = subprocess.PIPE if answer is None else theirs
    with subprocess.Popen(command, stdin=stream, stderr=stream, stdout=subprocess.DEVNULL) as process:
        os.close(theirs)
        while not (folder.exists() and list(folder.glob("*.checkpoint"))):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        if answer is None:
            _, said = process.communicate()
        else:
            said = b""
            while b"keep the best" not in said:
                said += os.read(ours, 4096)
            os.write(ours, answer)
            while process.poll() is None:
                try:
                    said += os.read(ours, 4096)
                except OSError:  # the terminal is gone with the process
                    break
    os.close(ours)
    return process.returncode, said


def test_ctrl_c_asks_on_a_terminal_and_keeps_the_best_weights(labelled_csv: Path, tmp_path: Path) -> None:
    model, folder = tmp_path / "m.oddrow", tmp_path / "kept"
    arguments = ["fit", str(labelled_csv), "-o", str(model), *TRAINED, "--checkpoint", str(folder)]
    code, said = interrupted([*arguments, "--max-steps", "100000"], folder, b"y\n")
    assert code == 0, said
    assert oddrow.load(model).health_.end == "interrupted"
    assert list(folder.iterdir())  # it could still go on


def test_ctrl_c_without_a_terminal_exits_with_130_and_keeps_the_checkpoint(labelled_csv: Path, tmp_path: Path) -> None:
    model, folder = tmp_path / "m.oddrow", tmp_path / "kept"
    arguments = ["fit", str(labelled_csv), "-o", str(model), *TRAINED, "--checkpoint", str(folder)]
    code, said = interrupted([*arguments, "--max-steps", "100000"], folder, None)
    assert code == 130, said
    assert not model.exists()
    assert list(folder.iterdir())
