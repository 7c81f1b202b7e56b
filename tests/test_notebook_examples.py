"""The notebooks in ``examples/``: their source runs, with the real data and without; the notebook is made from it."""

import json
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

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


def thinned(step):
    """The cells with another share of the file's rows."""
    assert CELLS[1].count("STEP = 5") == 1
    return [CELLS[0], CELLS[1].replace("STEP = 5", f"STEP = {step}"), *CELLS[2:]]


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
@pytest.mark.usefixtures("short_training")
@pytest.mark.skipif("ODDROW_DATA" not in os.environ, reason="ODDROW_DATA is not set: no KDD Cup 1999 file")
def test_the_tutorial_runs_on_the_real_data():
    with warnings.catch_warnings():
        # the rows of this file depend on their order, which the text says
        warnings.simplefilter("ignore", DependenceWarning)
        names = run_cells(thinned(40))
    check(names)
    assert "smurf." in names["kind"]


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
def test_the_tutorial_runs_without_the_real_data(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ODDROW_DATA", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingHealthWarning)
        check(run_cells(CELLS))
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
