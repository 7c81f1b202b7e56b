"""Sparseness has no evidence where duplicates are common: the remembered rows, all different, do not show it."""

import numpy as np
import onnxruntime
import pytest

import oddrow
from oddrow.columns import TableEncoding, TableSchema
from oddrow.container import ArrayStore
from oddrow.exceptions import ModelFileError
from oddrow.table import as_table
from oddrow.views import VIEWS
from testing.untrained import no_training
from tests.support.view_rows import basis_of, context_of, rows_of

NAMES = ("sparseness", "rank_sparseness")
ROWS = np.random.default_rng(0).normal(size=(200, 3))


def with_duplicates(n_rows):
    """200 rows and the first of them again."""
    return np.concatenate([ROWS, ROWS[:n_rows]])


def learned(name, rows):
    table = as_table(rows)
    encoding = TableEncoding.learn(TableSchema.infer(table), table)
    encoded = encoding.encode(table)
    basis = basis_of(encoding, encoded)
    return VIEWS[name].learn(context_of(basis, encoded)), rows_of(basis, encoding.encode(as_table(ROWS + 0.3))), basis


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n_rows", "is_used"), [(0, True), (5, True), (6, False), (60, False)])
def test_its_score_is_0_where_more_than_5_percent_of_the_rows_have_a_duplicate(name, n_rows, is_used):
    """5 of 200 rows twice are 10 of 205 rows with a duplicate, 4.9 %; 6 are 5.8 %."""
    view, rows, basis = learned(name, with_duplicates(n_rows))
    assert view.is_used == basis.normal_rows.has_few_duplicates == is_used
    score = view.score(rows)
    assert score.total.any() == score.by_column.any() == is_used
    assert score.total.shape == (200,) and score.by_column.shape == (200, 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_rows", [0, 60])
def test_it_is_packed_only_where_it_is_not_used(name, n_rows):
    """Earlier versions packed nothing and always used it."""
    view, _, basis = learned(name, with_duplicates(n_rows))
    arrays = view.packed()
    assert (arrays == {}) == view.is_used
    assert VIEWS[name].unpacked(ArrayStore(arrays), basis) == view


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flags", [[2], [-1], [0, 0], []])
def test_a_wrong_flag_is_refused(name, flags):
    _, _, basis = learned(name, ROWS)
    with pytest.raises(ModelFileError):
        VIEWS[name].unpacked(ArrayStore({"is_used": np.array(flags, np.int64)}), basis)


def test_a_model_of_many_duplicates_is_saved_loaded_and_exported(tmp_path):
    with no_training():
        rows = np.random.default_rng(1).permutation(with_duplicates(60))
        detector = oddrow.VAEDetector(random_state=0).fit(rows)
    new = np.concatenate([ROWS[:50], ROWS[50:90] + 0.5])
    oddrow.save(detector, tmp_path / "m.oddrow")
    loaded = oddrow.load(tmp_path / "m.oddrow")
    views = loaded.model_.surprise_model.evidence_model.views
    assert not views.named("sparseness").is_used and not views.named("rank_sparseness").is_used
    assert loaded.surprise(new).tobytes() == detector.surprise(new).tobytes()
    oddrow.export_onnx(detector, tmp_path / "m.onnx", parts=True)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    given = {f"x{place}": new[:, [place]] for place in range(3)}
    surprise, parts = session.run(["surprise", "column_part"], given)
    scored = detector.model_.score(as_table(new))
    np.testing.assert_allclose(surprise, scored.surprise, rtol=1e-9)
    np.testing.assert_allclose(parts, scored.column_part, rtol=1e-6, atol=1e-9 * parts.max())
