"""The border: whatever holds a table gives the same plain table."""

import datetime as dt
import decimal
import subprocess
import sys
import uuid
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import oddrow
from oddrow.exceptions import DataError
from oddrow.table._as_written import AS_WRITTEN
from oddrow.table._frame import as_table, readable_table

NAN = float("nan")
DAY = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12)
UTC_NOON = NOON.replace(tzinfo=dt.UTC)

PLAIN = pa.table(
    {
        "flag": pa.array([True, None, False]),
        "count": pa.array([1, 2, -3]),
        "size": pa.array([0.5, None, 1e300]),
        "name": pa.array(["a", None, ""]),
        "moment": pa.array([NOON, None, NOON], pa.timestamp("us")),
        "zoned": pa.array([UTC_NOON, None, UTC_NOON], pa.timestamp("us", "Europe/Paris")),
    }
)


class Capsule:
    """Any object of another library that hands over Arrow data."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def column(values: object) -> pa.ChunkedArray:
    return as_table({"c": values})["c"]


def objects(*values: object) -> np.ndarray:
    return np.fromiter(values, dtype=object, count=len(values))


CONTAINERS = {
    "arrow table": lambda table: table,
    "record batch": lambda table: table.to_batches()[0],
    "batch reader": lambda table: table.to_reader(),
    "capsule": Capsule,
    "pandas": lambda table: table.to_pandas(),
    "pandas on arrow": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas of objects": lambda table: table.to_pandas().astype(object),
    "polars": pl.from_arrow,
    "polars lazy": lambda table: pl.from_arrow(table).lazy(),
    "narwhals": nw.from_native,
    "mapping of lists": lambda table: table.to_pydict(),
    "mapping of arrow": lambda table: dict(zip(table.column_names, table.columns, strict=True)),
    "mapping of pandas series": lambda table: dict(table.to_pandas().items()),
    "mapping of polars series": lambda table: pl.from_arrow(table).to_dict(),
    "mapping of object arrays": lambda table: {k: objects(*v) for k, v in table.to_pydict().items()},
    "dictionary encoded": lambda table: table.set_column(3, "name", table["name"].dictionary_encode()),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_of_the_same_table_gives_the_same_values(container):
    table = as_table(CONTAINERS[container](PLAIN))
    assert table.schema == PLAIN.schema
    assert table.equals(PLAIN)


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(2**53), 2**53),
            st.none() | st.floats(allow_nan=False, allow_infinity=True),
            st.none() | st.text(st.characters(codec="utf-8"), max_size=5),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_pandas_polars_and_arrow_agree_on_any_values(rows):
    columns = [list(values) for values in zip(*rows, strict=True)]
    types = [pa.int64(), pa.float64(), pa.string()]
    arrow = pa.table([pa.array(v, t) for v, t in zip(columns, types, strict=True)], names=["i", "f", "s"])
    plain = as_table(arrow)
    assert plain.equals(arrow)
    assert as_table(pl.from_arrow(arrow)).equals(plain)
    assert as_table(arrow.to_pandas(types_mapper=pd.ArrowDtype)).equals(plain)


@pytest.mark.parametrize("container", CONTAINERS)
def test_reading_a_plain_table_again_changes_nothing(container):
    once = as_table(CONTAINERS[container](PLAIN))
    assert as_table(once).equals(once, check_metadata=True)


# NumPy ------------------------------------------------------------------------------------------------------


def test_an_array_has_columns_x0_x1_or_the_given_names():
    array = np.array([[1.5, 2.0, NAN], [4.0, 5.0, 6.0]])
    assert as_table(array).to_pydict() == {"x0": [1.5, 4.0], "x1": [2.0, 5.0], "x2": [None, 6.0]}
    assert as_table(array, ["p", "q", "r"]).column_names == ["p", "q", "r"]


def test_names_that_the_table_has_win_over_the_given_ones():
    assert as_table(pl.DataFrame({"own": [1]}), ["given"]).column_names == ["own"]


def test_given_names_must_be_as_many_as_the_columns():
    with pytest.raises(DataError, match="has 2 columns, but 1 column names"):
        as_table(np.ones((3, 2)), ["only"])


@pytest.mark.parametrize(
    ("dtype", "arrow"),
    [
        ("bool", pa.bool_()),
        ("int8", pa.int8()),
        ("uint64", pa.uint64()),
        (">i4", pa.int32()),
        ("float16", pa.float32()),
        ("float32", pa.float32()),
        (">f8", pa.float64()),
        ("longdouble", pa.float64()),
        ("U3", pa.string()),
        ("datetime64[D]", pa.date32()),
        ("datetime64[h]", pa.timestamp("s")),
        ("datetime64[ns]", pa.timestamp("ns")),
    ],
)
def test_numpy_types_become_the_nearest_arrow_type(dtype, arrow):
    array = np.array([[1, 0], [0, 1]]).astype(dtype)
    table = as_table(array)
    assert table.schema.types == [arrow, arrow]
    restored = np.column_stack([values.to_numpy().astype(dtype) for values in table.columns])
    np.testing.assert_array_equal(restored, array)


@given(st.lists(st.lists(st.floats(), min_size=3, max_size=3), min_size=1, max_size=6))
def test_lists_arrays_and_frames_of_floats_agree_with_nan_as_missing(rows):
    table = as_table(rows)
    assert table.equals(as_table(np.array(rows)))
    assert table.equals(as_table(np.asfortranarray(rows)))
    assert table.equals(as_table(pd.DataFrame(rows, columns=["x0", "x1", "x2"])))
    np.testing.assert_array_equal(np.column_stack([values.to_numpy() for values in table.columns]), rows)
    assert sum(values.null_count for values in table.columns) == np.isnan(rows).sum()


def test_numbers_beside_texts_in_a_list_stay_numbers():
    table = as_table([[1, "a"], [2, "b"]])
    assert table.schema.types == [pa.int64(), pa.string()]


def test_masked_values_are_missing():
    array = np.ma.array([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    assert as_table(array).to_pydict() == {"x0": [1, 3], "x1": [None, 4]}
    mixed = np.ma.array(np.array([["a", 1]], dtype=object), mask=[[True, False]])
    assert as_table(mixed).to_pydict() == {"x0": [None], "x1": [1]}


def test_an_array_without_rows_is_a_table_without_rows():
    table = as_table(np.empty((0, 2)))
    assert (table.num_rows, table.schema.types) == (0, [pa.float64(), pa.float64()])


# What a column may hold -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([decimal.Decimal("1.25"), None]), pa.array([1.25, None])),
        (pa.array([1500, None], pa.duration("ms")), pa.array([1.5, None])),
        (pa.array([2**60], pa.duration("ns")), pa.array([2.0**60 / 1e9])),
        (pa.array([1.0, NAN, None]), pa.array([1.0, None, None])),
        (pa.array([1.0, NAN], pa.float32()), pa.array([1.0, None], pa.float32())),
        (pa.array(np.array([1.0, NAN], np.float16)), pa.array([1.0, None], pa.float32())),
        (pa.array(["a", None], pa.large_string()), pa.array(["a", None])),
        (pa.array(["a", None], pa.string_view()), pa.array(["a", None])),
        (pa.array([2, 2, None]).dictionary_encode(), pa.array([2, 2, None])),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]), pa.array(["a", "a", None])),
        (pa.array([1, None], pa.bool8()), pa.array([1, None], pa.int8())),
        (pa.array([DAY], pa.date64()), pa.array([DAY], pa.date64())),
        (pa.array([1], pa.timestamp("ns", "Asia/Tokyo")), pa.array([1], pa.timestamp("ns", "Asia/Tokyo"))),
        (pa.nulls(2), pa.nulls(2)),
    ],
)
def test_arrow_columns_become_plain(array, expected):
    plain = column(array)
    assert plain.equals(pa.chunked_array([expected]))
    assert column(pa.chunked_array([array, array])).length() == 2 * len(array)


def test_pandas_categories_sparse_and_durations_become_plain_and_the_index_goes():
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["b", None, "b"], categories=["a", "b"]),
            "ordered": pd.Categorical([3, 1, 3], ordered=True),
            "sparse": pd.arrays.SparseArray([0.0, NAN, 2.0]),
            "lasting": pd.to_timedelta([1, 2, None], unit="min"),
        },
        index=[7, 8, 9],
    )
    assert as_table(frame).to_pydict() == {
        "category": ["b", None, "b"],
        "ordered": [3, 1, 3],
        "sparse": [0.0, None, 2.0],
        "lasting": [60.0, 120.0, None],
    }


def test_polars_categories_and_decimals_become_plain():
    frame = pl.DataFrame(
        {
            "category": pl.Series(["b", None], dtype=pl.Categorical),
            "chosen": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"])),
            "price": pl.Series(["1.5", None]).str.to_decimal(scale=1),
        }
    )
    assert as_table(frame).to_pydict() == {
        "category": ["b", None],
        "chosen": ["x", "y"],
        "price": [1.5, None],
    }


@pytest.mark.parametrize(
    "nested",
    [
        pa.array([[1]]),
        pa.array([{"a": 1}]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        [{"a": 1}],
        [1, {"a": 1}],
        ["a", (1, 2)],
        [["a"]],
    ],
)
def test_nested_columns_are_refused_by_name_with_the_way_out(nested):
    with pytest.raises(DataError, match=r"column 'c' holds nested values \(.+\); drop it, or flatten it"):
        column(nested)


@pytest.mark.parametrize(
    "binary",
    [pa.array([b"a"]), pa.array([b"a"], pa.binary(1)), [b"a"], ["a", b"b"], [1, b"b"], np.array(["a"], "S")],
)
def test_columns_of_bytes_are_refused_by_name(binary):
    with pytest.raises(DataError, match="column 'c' holds bytes"):
        column(binary)


def test_a_type_that_is_not_known_is_refused_by_name():
    with pytest.raises(DataError, match="column 'c' has the type month_day_nano_interval"):
        column(pa.array([pa.MonthDayNano([1, 2, 3])]))


# Names and dimensions ---------------------------------------------------------------------------------------


def test_names_become_texts():
    assert as_table(pd.DataFrame([[1, 2]], columns=[3, ("a", "b")])).column_names == ["3", "('a', 'b')"]
    assert as_table({1: [1]}).column_names == ["1"]


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame([[1, 2, 3]], columns=["b", "a", "a"]),
        pd.DataFrame([[1, 2, 3]], columns=["b", "1", 1]).rename(columns={"1": "a", 1: "a"}),
        pa.Table.from_arrays([pa.array([1])] * 3, names=["b", "a", "a"]),
        Capsule(pa.Table.from_arrays([pa.array([1])] * 3, names=["b", "a", "a"])),
    ],
)
def test_a_name_that_occurs_twice_is_named(X):
    with pytest.raises(DataError, match=r"occur more than once: 'a'$"):
        as_table(X)


def test_names_that_become_the_same_text_are_named():
    with pytest.raises(DataError, match=r"occur more than once: '1'$"):
        as_table(pd.DataFrame([[1, 2]], columns=[1, "1"]))


@pytest.mark.parametrize(
    "X",
    [
        np.ones(3),
        [1, 2],
        [],
        pd.Series([1, 2]),
        pl.Series([1, 2]),
        pa.array([1, 2]),
        pa.chunked_array([[1, 2]]),
        ["a", "b"],
    ],
)
def test_one_dimension_is_refused_in_the_words_scikit_learn_looks_for(X):
    with pytest.raises(DataError, match=r"Expected 2D array, got 1D array instead. Reshape your data"):
        as_table(X)


def test_other_dimensions_are_refused():
    with pytest.raises(DataError, match="Expected 2D array, got 3D array instead"):
        as_table(np.ones((1, 1, 1)))
    with pytest.raises(DataError, match=r"Expected 2D array, got a scalar instead: .* from int"):
        as_table(3)
    with pytest.raises(DataError, match=r"is a text, not a table; to read a file, use oddrow.files.open"):
        as_table("table.csv")


@pytest.mark.parametrize("X", [np.empty((12, 0)), pd.DataFrame(index=range(12)), pa.table({}), pl.DataFrame(), {}])
def test_a_table_without_columns_is_refused_in_the_words_scikit_learn_looks_for(X):
    with pytest.raises(DataError, match=r"0 feature\(s\) \(shape=\(\d*, 0\)\) while a minimum of \d* is required\."):
        as_table(X)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_sparse_matrices_are_refused(kind):
    with pytest.raises(DataError, match=r"sparse matrix.*X\.toarray\(\)"):
        as_table(kind(np.eye(2)))


@pytest.mark.parametrize(
    "X",
    [
        np.ones((2, 2)) * 1j,
        [[1j, 2], [3, 4]],
        {"c": np.array([1j])},
        {"c": [1j, "a"]},
        {"c": [dt.date(2000, 1, 1), np.complex64(1)]},
        pd.DataFrame({"c": [1j]}),
        np.array([[1j, "a"]], dtype=object),
    ],
)
def test_complex_numbers_are_refused(X):
    with pytest.raises(DataError, match="Complex data not supported"):
        as_table(X)


def test_rows_and_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="rows of one length"):
        as_table([[1, 2], [3]])
    with pytest.raises(DataError, match="'b' has 1 values, 'a' has 2"):
        as_table({"a": [1, 2], "b": [1]})


@pytest.mark.parametrize("value", [1, "text", {"k": 1}, np.ones((2, 2))])
def test_a_column_of_a_mapping_must_be_a_sequence(value):
    with pytest.raises(DataError, match="column 'c' must be a sequence of values, but is of type"):
        as_table({"c": value, "d": [1]})


def test_a_mapping_of_single_values_is_one_row_and_a_list_of_mappings_is_one_a_row():
    assert as_table({"a": 1, "b": "x", "c": None}).to_pylist() == [{"a": 1, "b": "x", "c": None}]
    rows = [{"a": 1, "b": "x"}, {"b": "y", "c": dt.date(2024, 2, 29)}]
    assert as_table(rows).to_pylist() == [{"a": 1, "b": "x", "c": None}, {"a": None, **rows[1]}]


@pytest.mark.parametrize("one", [pd.DataFrame({"a": [1], "b": [2]}).iloc[0], pl.Series("a", [1, 2])])
def test_a_single_row_is_refused_with_the_way_out(one):
    with pytest.raises(DataError, match=r"a Series of 2 values is one column or one row.*df\.iloc\[\[0\]\]") as caught:
        as_table(one)
    assert "array.reshape" not in str(caught.value)


@pytest.mark.parametrize("kind", ["Int128", "UInt128"])
def test_whole_numbers_of_128_bits_are_numbers_rounded_once(kind):
    values = [1, 2**100, None, 2**64 + 1]
    frame = pl.DataFrame({"a": pl.Series(values, dtype=getattr(pl, kind))})
    assert as_table(frame)["a"].to_pylist() == [None if value is None else float(value) for value in values]


def test_columns_that_cannot_be_read_are_all_named_with_the_way_out():
    frame = {"good": [1], "tags": [["a"]], "raw": [b"x"], "place": [{"k": 1}]}
    for X in (frame, pa.table(frame), pl.DataFrame(frame), pd.DataFrame(frame)):
        with pytest.raises(DataError) as caught:
            as_table(X)
        said = str(caught.value)
        assert "columns={'tags': 'ignore', 'raw': 'ignore', 'place': 'ignore'}" in said
        assert "'good'" not in said
        found = readable_table(X)
        assert list(found.unreadable) == ["tags", "raw", "place"]
        assert found.table.to_pylist() == [{"good": 1, "tags": None, "raw": None, "place": None}]


def test_a_column_that_is_not_read_is_passed_through_unchanged():
    frame = pa.table({"good": [1], "kind": pa.array(["a"]).dictionary_encode(), "tags": [["a"]], "raw": [b"x"]})
    passed = as_table(frame, reads="good".__eq__, passes=True)
    assert passed.to_pylist() == frame.to_pylist()
    assert passed["kind"].type == pa.string()


@pytest.mark.parametrize(
    "X", [pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), pa.table([[1], [2], [3]], list("aba"))]
)
def test_a_name_that_occurs_twice_may_not_be_read(X):
    assert as_table(X, reads="b".__eq__, passes=True).to_pydict() == {"a": [1], "b": [2], "a.1": [3]}
    with pytest.raises(DataError, match="occur more than once: 'a'"):
        as_table(X, reads="a".__eq__)


def test_uuids_are_their_text():
    text = "12345678-1234-5678-1234-567812345678"
    values = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([uuid.UUID(text).bytes, None], pa.binary(16)))
    assert as_table(pa.table({"id": values})).to_pydict() == {"id": [text, None]}


def test_fields_as_they_are_written_stay_so():
    written = pa.table({"a": ["1.0"]}).replace_schema_metadata(AS_WRITTEN)
    for X in (written, written.to_batches()[0]):
        assert as_table(X).schema.metadata == AS_WRITTEN
    assert as_table(written.replace_schema_metadata({"pandas": "{}"})).schema.metadata is None


def test_objects_that_only_numpy_understands_are_arrays():
    class Wrapped:
        def __array__(self, dtype=None, copy=None):
            return np.array([[1.0, 2.0]], dtype=dtype)

    assert as_table(Wrapped()).to_pydict() == {"x0": [1.0], "x1": [2.0]}


def test_an_object_whose_stream_is_no_table_is_refused():
    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.chunked_array([[1]]).__arrow_c_stream__(requested_schema)

    with pytest.raises(DataError, match="Broken does not give an Arrow table"):
        as_table(Broken())


# The package above this layer imports scikit-learn, which loads what it finds; an empty one stands in for it.
LAYER_ALONE = f"""
import sys, types
sys.modules["oddrow"] = types.ModuleType("oddrow")
sys.modules["oddrow"].__path__ = [{str(Path(oddrow.__file__).parent)!r}]
"""
NONE_INSTALLED = """
class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "polars", "narwhals"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled())
"""


def printed(program: str) -> list[str]:
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_arrays_lists_and_arrow_tables_need_no_data_frame_library():
    reading = """
import numpy, pyarrow
from oddrow.table._frame import as_table
for X in (numpy.ones((1, 1)), [[1, "a"]], {"x0": [1, "a", None]}, pyarrow.table({"x0": [1]})):
    print(as_table(X)["x0"].to_pylist())
"""
    assert printed(LAYER_ALONE + NONE_INSTALLED + reading) == ["[1.0]", "[1]", "['1', 'a', None]", "[1]"]


def test_importing_loads_no_data_frame_library():
    importing = """
import oddrow.table._frame, oddrow.files
print({"pandas", "polars", "narwhals", "jax"} & set(sys.modules))
"""
    assert printed(LAYER_ALONE + importing) == ["set()"]


# Columns that are not read ----------------------------------------------------------------------------------


ANYTHING = {"kept": [1, 2], "bytes": [b"a", b"b"], "nested": [{"a": 1}, {"a": 2}], "complex": [1j, 2j]}


@pytest.mark.parametrize(
    "X",
    [
        ANYTHING,
        {**ANYTHING, "nested": range(2)},
        pd.DataFrame(ANYTHING),
        pl.DataFrame({name: pl.Series(values, dtype=pl.Object) for name, values in ANYTHING.items()}),
        pa.table({name: values for name, values in ANYTHING.items() if name != "complex"}),
        np.array([*zip(*ANYTHING.values(), strict=True)], dtype=object),
    ],
    ids=["mapping", "mapping of a range", "pandas", "polars", "Arrow", "array"],
)
def test_a_column_that_is_not_read_may_hold_anything(X):
    names = list(ANYTHING) if isinstance(X, np.ndarray) else None
    table = as_table(X, names, reads="kept".__eq__)
    others = [name for name in ANYTHING if name in table.column_names and name != "kept"]
    assert table.column_names == ["kept", *others]
    assert table["kept"].to_pylist() == [1, 2]
    assert all(table[name].to_pylist() == [None, None] for name in others)
    assert len(others) >= 2
    with pytest.raises(DataError, match=r"holds bytes|Complex data not supported"):
        as_table(X, names)


# What no one would write by hand ----------------------------------------------------------------------------


def test_a_name_that_is_no_text_is_read_as_one():
    assert as_table({"\ud800": [1]}).column_names == ["?"]
    assert as_table(pl.DataFrame({"größe": [1]})).column_names == ["größe"]


def test_text_that_is_no_utf8_is_refused_by_name():
    raw = pa.array([b"good", b"\xff"])
    broken = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    for array in (broken, broken.cast(pa.large_string()), pa.DictionaryArray.from_arrays([0, 1], broken)):
        with pytest.raises(DataError, match=r"column 'c' has the type .+, but cannot be read as such .*UTF8"):
            column(array)


@pytest.mark.parametrize("kind", [pa.decimal128(38, 10), pa.decimal128(2, 1), pa.decimal256(76, 30)])
def test_a_decimal_is_the_nearest_float_whatever_its_scale(kind):
    values = [decimal.Decimal(text) for text in ("1.1", "-0.7", "9.9", "2.3")]
    assert column(pa.array(values, kind)).to_pylist() == [1.1, -0.7, 9.9, 2.3]


def test_a_duration_has_the_same_bits_in_every_unit():
    lasting = [1_700_000_000_123, 7, None]
    read = [column(pa.array([v and v * k for v in lasting], pa.duration(u))) for u, k in (("ms", 1), ("ns", 10**6))]
    assert read[0].to_pylist() == read[1].to_pylist() == [1_700_000_000.123, 0.007, None]


def test_a_very_long_name_does_not_fill_the_screen():
    with pytest.raises(
        DataError, match=r"^column 'x{36}\.\.\. holds bytes, which cannot be compared; drop it, or decode"
    ):
        as_table({"x" * 5000: [b"a"]})
    with pytest.raises(DataError, match=r"occur more than once: '0', '1', .* and 12 more$"):
        as_table(pd.DataFrame(np.zeros((1, 40)), columns=[*map(str, range(20))] * 2))
