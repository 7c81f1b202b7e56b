"""Numbers that differ only in their stored floating-point precision are recognised as equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from oddrow.columns import EncodingStyle, TableEncoding, TableSchema
from oddrow.columns._stored_precision import as_learned, as_learned_texts, few_values
from oddrow.table import as_table

WIDTHS = (np.float16, np.float32, np.float64)
FORMS: dict[str, Callable[[dict[str, npt.NDArray[Any]]], Any]] = {
    "NumPy": lambda columns: columns,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "Arrow": lambda columns: pa.table({name: pa.array(values) for name, values in columns.items()}),
}


def table_of(width: type, form: str = "Arrow") -> pa.Table:
    repeated = 20
    columns: dict[str, npt.NDArray[Any]] = {
        "constant": np.full(6 * repeated, 0.1, width),
        "computed": np.full(6 * repeated, np.float64(0.1) + 0.2, np.float64).astype(width),
        "names": np.tile([0.1, 20.01, 0.7, 100.06, 3.3, 0.25], repeated).astype(width),
        "few": np.tile([0.1, 1 / 3, 0.7, 100.06, 3.3, 0.25], repeated).astype(width),
    }
    if width is np.float16 and form == "polars":  # which has no half precision in the releases in use
        columns = {name: values.astype(np.float32) for name, values in columns.items()}
    return as_table(FORMS[form](columns))


def encoding_of(table: pa.Table, style: EncodingStyle = "standard") -> TableEncoding:
    return TableEncoding.learn(TableSchema.infer(table, {"names": "category"}), table, style)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("learned", WIDTHS)
@pytest.mark.parametrize("scored", WIDTHS)
def test_a_learned_value_is_recognised_in_another_precision(learned: type, scored: type, form: str) -> None:
    encoding = encoding_of(table_of(learned))
    there, here = encoding.encode(table_of(learned)), encoding.encode(table_of(scored, form))
    np.testing.assert_array_equal(here.rows, there.rows)
    np.testing.assert_array_equal(here.presence, there.presence)
    np.testing.assert_array_equal(here.novelty, there.novelty)


def test_the_articles_encoding_recognises_its_values_in_single_precision() -> None:
    encoding = encoding_of(table_of(np.float64), "article")
    names = encoding.encode(table_of(np.float32)).presence[:, encoding.names.index("names")]
    assert names.all()


def test_a_different_value_stays_different_in_any_precision() -> None:
    encoding = encoding_of(table_of(np.float64))
    for width in WIDTHS:
        others = table_of(width).slice(0, 1).to_pydict()
        others |= {"constant": [0.11], "computed": [0.31], "names": [0.12]}
        strange = encoding.encode(pa.table({name: np.array(value, width) for name, value in others.items()}))
        for name in ("constant", "computed", "names"):
            assert strange.novelty[0, encoding.names.index(name)] > 1


@pytest.mark.parametrize(("learned", "value"), [(0.1, 0.1000001), (0.5, 0.5001), (0.5001, 0.5), (5.0, 5.000000001)])
def test_double_precision_is_exact(learned: float, value: float) -> None:
    assert as_learned(np.array([value]), np.array([learned]), False).tolist() == [value]


def test_a_value_that_two_learned_ones_round_to_stays() -> None:
    value = float(np.float32(0.1))
    assert as_learned(np.array([value]), np.array([0.1, 0.1 + 1e-12]), True).tolist() == [value]


def test_the_result_for_a_value_does_not_depend_on_other_rows() -> None:
    values = np.array([0.1, 0.7, 9.9], np.float32).astype(np.float64)
    learned = np.array([0.1, 0.7])
    together = as_learned(values, learned, True)
    assert together.tolist() == [as_learned(values[[row]], learned, True)[0] for row in range(3)]
    texts = pa.chunked_array([[str(value) for value in values.tolist()]])
    assert as_learned_texts(texts, ["0.1", "x"], True).to_pylist() == ["0.1", *texts.to_pylist()[1:]]


def test_many_values_and_whole_numbers_are_not_remembered() -> None:
    assert few_values(np.arange(21, dtype=np.float64) + 0.5) == ()
    assert few_values(np.array([1.0, 2.0])) == ()
    assert few_values(np.array([np.nan, 2.5, 2.5])) == (2.5,)
