"""The constants that define a score are read from the fitted model, and from nowhere else."""

from __future__ import annotations

import ast
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow.artifact._protocol_1 import ADDED_CONSTANTS
from oddrow.exceptions import ModelFileError
from oddrow.scoring_constants import DEFAULT_CONSTANTS, ScoringConstants
from testing.model_files import golden, golden_rows, parts, rebuilt
from tests.support.failing_disk import as_saved_now

SOURCE = Path(oddrow.__file__).parent
TIGHT = {
    "power": 0.5,
    "marginal_power": 0.25,
    "max_nats": 3.0,
    "min_reach": 5.0,
    "neighbours": 3,
    "max_log_variance": 0.0,
}
OLD_NAMES = {
    "POWER", "MARGINAL_POWER", "MOST_NATS", "MAX_NATS", "MOST_KNOTS", "MAX_KNOTS", "LEAST_SHAPE", "MIN_SHAPE",
    "MEMORY_ROWS", "TIED", "CANDIDATE_ROWS", "NEIGHBOURS", "LEAST_REACH", "MIN_REACH", "FEW_VALUES", "MOST_CODES",
    "MAX_CODES", "COARSE_CODES", "SEARCH_ROWS", "MOST_TELLING", "LEAST_UNIT", "MIN_UNIT", "LEAST_VARIANCE",
    "MIN_VARIANCE", "FEW_COPIES", "NO_VARIANCE", "SAMPLE_ROWS", "SAMPLES", "ISOLATION_WEIGHT", "QUANTILE", "ERROR",
    "TAIL_SHARE", "LEAST_TAIL_ROWS", "MOST_SHAPE", "MOST_DISTANCE", "ROUNDING", "LEAST_LOG_VARIANCE",
    "MOST_LOG_VARIANCE", "LOG_VARIANCE_BOUND", "STRAIGHT",
}  # fmt: skip


def module_constants(path):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name):
                    yield name.id


@pytest.mark.parametrize("room", ["density", "calibration", "views", "surprise"])
def test_no_scoring_module_defines_one_of_the_scoring_constants(room):
    names = {field.name.upper() for field in fields(ScoringConstants)} | OLD_NAMES
    for path in sorted((SOURCE / room).glob("*.py")):
        assert not names.intersection(module_constants(path)), path


@pytest.mark.parametrize("room", ["density", "calibration", "views", "surprise"])
def test_the_defaults_are_only_defaults_of_parameters(room):
    """A body that read them would ignore the constants of a loaded model."""
    for path in sorted((SOURCE / room).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defaults = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                defaults.update(map(id, [*node.args.defaults, *filter(None, node.args.kw_defaults)]))
            if isinstance(node, ast.AnnAssign) and node.value is not None:
                defaults.add(id(node.value))
        uses = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "DEFAULT_CONSTANTS"]
        assert all(id(node) in defaults for node in uses), path


def with_constants(**changed):
    def change(manifest):
        assert manifest["constants"] == asdict(DEFAULT_CONSTANTS)
        manifest["constants"] |= changed

    return rebuilt(as_saved_now("vae"), change)


def loaded(content, path):
    path.write_bytes(content)
    return oddrow.load(path)


@pytest.mark.parametrize("name", TIGHT)
def test_a_constant_of_a_file_changes_its_scores(name, tmp_path):
    table = pa.table(golden_rows())
    before = loaded(golden("vae"), tmp_path / "before.oddrow")
    after = loaded(with_constants(**{name: TIGHT[name]}), tmp_path / "after.oddrow")
    assert after.model_.constants == replace(DEFAULT_CONSTANTS, **{name: TIGHT[name]})
    scores = after.surprise(table)
    assert np.isfinite(scores).all()
    assert (scores != before.surprise(table)).any()


@pytest.mark.parametrize("field", fields(ScoringConstants), ids=lambda field: field.name)
def test_a_constant_out_of_its_bounds_is_refused(field, tmp_path):
    low, high = field.metadata["bounds"]
    assert low <= field.default <= high
    for value in (low - 1, high + 1):
        with pytest.raises(ModelFileError, match=f"the constant '{field.name}' is"):
            loaded(with_constants(**{field.name: value}), tmp_path / "m.oddrow")


@pytest.mark.parametrize("name", ["tail_shape", "subset_share"])
def test_bounds_in_the_wrong_order_are_refused(name):
    with pytest.raises(ModelFileError, match=f"'min_{name}' is above 'max_{name}'"):
        replace(DEFAULT_CONSTANTS, **{f"min_{name}": 0.8, f"max_{name}": 0.5}).check()


def test_a_file_may_lack_only_constants_that_earlier_versions_did_not_have(tmp_path):
    """They are read as they were when they were added, whatever a later version uses."""
    lacking = {field.name for field in fields(ScoringConstants)} - parts(golden("vae"))[0]["constants"].keys()
    assert lacking == ADDED_CONSTANTS.keys()
    constants = loaded(golden("vae"), tmp_path / "m.oddrow").model_.constants
    assert {name: getattr(constants, name) for name in lacking} == ADDED_CONSTANTS
    for name in (field.name for field in fields(ScoringConstants) if field.name not in lacking):
        without = rebuilt(golden("vae"), lambda manifest, name=name: manifest["constants"].pop(name))
        with pytest.raises(ModelFileError, match=f"constants.{name} is missing"):
            loaded(without, tmp_path / "m.oddrow")
