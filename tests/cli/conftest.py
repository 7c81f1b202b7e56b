"""The command line in this process: what it prints and the code it leaves with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

import oddrow.training
from oddrow.cli import main
from oddrow.datasets import make_connections
from oddrow.training import TrainingSettings


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _short_training(short_training: None) -> None:
    """What the commands do does not depend on how good the fit is."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """``run("fit", "t.csv", ...)`` as the shell would."""

    def outcome(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["oddrow", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        return Outcome(int(leaving.value.code or 0), captured.out, captured.err)

    return outcome


@pytest.fixture(scope="session")
def labelled_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 connections, 5 % of them odd, with a column that says which."""
    connections = make_connections(600, odd_share=0.05, random_state=3)
    labels = pa.array(["odd" if odd else "normal" for odd in connections.is_odd])
    path = tmp_path_factory.mktemp("cli") / "connections.csv"
    pyarrow.csv.write_csv(connections.table.append_column("label", labels), path)
    return path


@pytest.fixture(scope="session")
def model_file(labelled_csv: Path) -> Path:
    """A model that the command line fitted."""
    path = labelled_csv.with_name("model.oddrow")
    arguments = ["fit", str(labelled_csv), "-o", str(path), "--label", "label", "--normal", "normal", "--quiet"]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as leaving:
        patch.setattr(sys, "argv", ["oddrow", *arguments])
        patch.setattr(oddrow.training, "DEFAULT_TRAINING", TrainingSettings(max_steps=300))
        main()
    assert not leaving.value.code
    return path
