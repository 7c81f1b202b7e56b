"""The notebooks in ``examples/``: their source runs, with the real data and without; the notebook is made from it."""

import json
import os
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import oddrow.training
from oddrow.exceptions import DependenceWarning, TrainingHealthWarning

matplotlib = pytest.importorskip("matplotlib")
EXAMPLES = Path(__file__).parents[1] / "examples"
SOURCE = (EXAMPLES / "kddcup99.md").read_text(encoding="utf-8")
CELLS = [cell.strip() for cell in re.findall(r"```python\n(.*?)```", SOURCE, re.DOTALL)]


def run_cells(cells):
    """Run the cells one after another, as a notebook does, and return their variables."""
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    names = {}
    try:
        for cell in cells:
            exec(compile(cell, "kddcup99.md", "exec"), names)  # noqa: S102 - our own file
    finally:
        plt.close("all")
    return names


SMALLER = {
    "STEP = 5": "STEP = 40",
    "make_connections(4_000": "make_connections(2_200",
    "max_rows=3_000": "max_rows=600",
}
SMALLER |= {"max_steps=1_000": "max_steps=100", "rng.choice(normal, 1_500": "rng.choice(normal, 600"}


@pytest.fixture
def cells(monkeypatch):
    """The cells with fewer rows and fewer steps: what they show depends on them, that they run does not."""
    for name in ("DEFAULT_TRAINING", "ARTICLE_TRAINING"):
        monkeypatch.setattr(oddrow.training, name, replace(getattr(oddrow.training, name), max_steps=100))
    monkeypatch.setattr("oddrow.reproductions._latent_space.STEPS", 100)
    text = "\0".join(CELLS)
    for whole, part in SMALLER.items():
        assert text.count(whole) == 1
        text = text.replace(whole, part)
    return text.split("\0")


def check(names):
    """The variables say what the text says."""
    assert names["train"].num_rows > 1_000
    assert not names["is_attack"][names["normal"][: names["n_train"]]].any()
    assert np.mean(names["training_surprise"] > names["threshold"]) == pytest.approx(0.01, abs=0.002)
    assert names["surprise"].shape == names["is_anomaly"].shape
    assert len(names["spaces"]) == 3
    assert names["explanation"].surprise == names["surprise"].max()
    assert len(names["found"].strangest) == 10


@pytest.mark.slow
@pytest.mark.skipif("ODDROW_DATA" not in os.environ, reason="ODDROW_DATA is not set: no KDD Cup 1999 file")
def test_the_tutorial_runs_on_the_real_data(cells):
    with warnings.catch_warnings():
        # the rows of this file depend on their order, which the text says
        warnings.simplefilter("ignore", DependenceWarning)
        warnings.simplefilter("ignore", TrainingHealthWarning)
        names = run_cells(cells)
    check(names)
    assert "smurf." in names["kind"]


@pytest.mark.slow
def test_the_tutorial_runs_without_the_real_data(cells, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ODDROW_DATA", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingHealthWarning)
        check(run_cells(cells))
    assert "a generated table takes its place" in capsys.readouterr().out


def test_the_notebook_is_made_from_its_source_and_has_outputs():
    notebook = json.loads((EXAMPLES / "kddcup99.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert ["".join(cell["source"]).strip() for cell in code] == CELLS
    texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert [line for text in texts for line in text.splitlines() if line.startswith("#")] == [
        line for line in re.sub(r"```.*?```", "", SOURCE, flags=re.DOTALL).splitlines() if line.startswith("#")
    ]
    assert sum("image/png" in output.get("data", {}) for cell in code for output in cell["outputs"]) >= 5
    assert not any(output["output_type"] == "error" for cell in code for output in cell["outputs"])
    assert (EXAMPLES / "kddcup99.ipynb").stat().st_size < 2_000_000
