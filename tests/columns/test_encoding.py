"""A table is encoded row by row, every feature belongs to one column, and values can be decoded."""

import datetime as dt
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns import EncodedTable, EncodingStyle, TableEncoding, TableSchema
from oddrow.columns.kinds import number
from oddrow.exceptions import SchemaMismatchError

N_ROWS = 120
few = settings(max_examples=25, deadline=None)
each_style = pytest.mark.parametrize("style", ["standard", "article"])


def make_table(n_rows: int, seed: int) -> pa.Table:
    """Return a table with every kind of column, each also with missing values."""
    rng = np.random.default_rng(seed)
    start = dt.datetime(2024, 1, 1)

    def with_holes(values: list) -> list:
        return [None if hole else value for value, hole in zip(values, rng.random(n_rows) < 0.2, strict=True)]

    size = np.exp(rng.normal(5, 3, n_rows)).round(3).tolist()
    port = rng.choice([22, 80, 443, 8080], n_rows).tolist()
    flag = rng.integers(0, 2, n_rows).tolist()
    zone = rng.choice(["a", "b", "c"], n_rows).tolist()
    when = [start + dt.timedelta(seconds=int(second)) for second in rng.integers(0, 10**7, n_rows)]
    note = [f"the user {number} has seen {'x' * (number % 9)}" for number in rng.integers(0, 10**6, n_rows).tolist()]
    full = {"size": size, "port": port, "flag": flag, "zone": zone, "when": when, "note": note, "site": [7] * n_rows}
    holed = {f"{name}_or_not": with_holes(values) for name, values in full.items()}
    types = {"flag": pa.int64(), "flag_or_not": pa.int64()}
    return pa.table({name: pa.array(values, types.get(name)) for name, values in (full | holed).items()})


TABLE = make_table(N_ROWS, seed=0)
LATER = make_table(40, seed=1)
SCHEMA = TableSchema.infer(TABLE, {"when": "timestamp", "when_or_not": "timestamp"})  # and not the table's clock
ENCODINGS = {style: TableEncoding.learn(SCHEMA, TABLE, style) for style in ("standard", "article")}
STANDARD = ENCODINGS["standard"]


def assert_same(first: EncodedTable, second: EncodedTable) -> None:
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.presence, second.presence)
    np.testing.assert_array_equal(first.novelty, second.novelty)


def novelty_of(training: object, later: object, kind: str | None = None) -> np.ndarray:
    """Return the novelty [n] of later values of one column."""
    table = pa.table({"c": training})
    encoding = TableEncoding.learn(TableSchema.infer(table, {"c": kind} if kind else None), table)
    return encoding.encode(pa.table({"c": later})).novelty[:, 0]


def test_the_table_has_every_kind() -> None:
    kinds = [column.kind for column in STANDARD.schema.columns]
    assert kinds == ["number", "number", "boolean", "category", "timestamp", "text", "constant"] * 2


@each_style
def test_the_matrix_has_one_row_for_each_table_row_and_is_finite(style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    encoded = encoding.encode(TABLE)
    assert encoded.rows.shape == (N_ROWS, encoding.layout.n_features)
    assert encoded.presence.shape == encoded.novelty.shape == (N_ROWS, 14)
    assert (encoded.rows.dtype, encoded.presence.dtype, encoded.novelty.dtype) == (np.float32, np.bool_, np.float64)
    assert np.isfinite(encoded.rows).all()
    assert np.isfinite(encoded.novelty).all()


@each_style
def test_a_value_is_present_where_the_table_has_one(style: EncodingStyle) -> None:
    presence = ENCODINGS[style].encode(TABLE).presence
    there = np.column_stack([TABLE.column(name).is_valid().to_numpy() for name in TABLE.column_names])
    np.testing.assert_array_equal(presence, there)
    assert not there.all()


@each_style
def test_training_rows_have_no_novelty(style: EncodingStyle) -> None:
    np.testing.assert_allclose(ENCODINGS[style].encode(TABLE).novelty, 0.0, atol=1e-9)


@few
@given(order=st.permutations(range(40)), style=st.sampled_from(["standard", "article"]))
def test_the_order_of_rows_is_kept(order: list[int], style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    assert_same(encoding.encode(LATER.take(order)), encoding.encode(LATER).take(np.array(order)))


@few
@given(start=st.integers(0, 39), length=st.integers(0, 5), style=st.sampled_from(["standard", "article"]))
def test_the_encoding_of_a_row_does_not_depend_on_other_rows(start: int, length: int, style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    rows = np.arange(start, min(start + length, 40))
    assert_same(encoding.encode(LATER.slice(start, length)), encoding.encode(LATER).take(rows))


@each_style
def test_the_encoding_does_not_depend_on_the_chunks_of_the_table(style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    cut = pa.concat_tables([LATER.slice(0, 7), LATER.slice(7, 0), LATER.slice(7, 30), LATER.slice(37)])
    assert_same(encoding.encode(cut), encoding.encode(LATER))


@each_style
def test_columns_are_found_by_name(style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    turned = LATER.select(LATER.column_names[::-1]).append_column("unknown", pa.array(range(40)))
    assert_same(encoding.encode(turned), encoding.encode(LATER))


@each_style
def test_a_changed_column_changes_only_its_features(style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    whole = encoding.encode(LATER)
    owner = np.array(encoding.layout.feature_column)
    for index, name in enumerate(encoding.names):
        changed = LATER.set_column(
            LATER.column_names.index(name), name, LATER.column(name).take(list(range(39, -1, -1)))
        )
        encoded = encoding.encode(changed)
        np.testing.assert_array_equal(encoded.rows[:, owner != index], whole.rows[:, owner != index])
        np.testing.assert_array_equal(encoded.rows[:, owner == index], whole.rows[::-1, owner == index])


def test_a_value_is_encoded_alike_as_float_text_or_boolean() -> None:
    """Readers store equal values as floats, texts or booleans; a missing value turns integers into floats."""
    training = pa.table({"code": [1, 2, 1, 2], "flag": [0, 1, 1, 0], "size": [1, 2, 3, 9], "site": [7, 7, 7, 7]})
    encoding = TableEncoding.learn(TableSchema.infer(training, {"code": "category"}), training)
    expected = encoding.encode(training)
    for arrow_type in (pa.int8(), pa.float32(), pa.float64(), pa.string()):
        assert_same(
            encoding.encode(pa.table([column.cast(arrow_type) for column in training.columns], training.column_names)),
            expected,
        )
    flags = training.column("flag").cast(pa.bool_())
    assert_same(encoding.encode(training.set_column(1, "flag", flags)), expected)


def test_a_whole_number_among_fractions_keeps_its_name() -> None:
    np.testing.assert_allclose(novelty_of([10**10, 2 * 10**10] * 3, [1e10, 0.5], "category"), [0.0, np.log(7)])


def test_moments_are_the_same_as_text_and_in_every_zone() -> None:
    expected = STANDARD.encode(LATER)
    when = LATER.column("when")
    index = LATER.column_names.index("when")
    iso = pa.array([moment.isoformat() + "Z" for moment in when.to_pylist()])
    zoned = when.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", "Asia/Tokyo"))
    for container in (iso, zoned, when.cast(pa.timestamp("ns")), when.cast(pa.timestamp("s"))):
        assert_same(STANDARD.encode(LATER.set_column(index, "when", container)), expected)


# Decoding


def test_values_are_decoded_with_the_documented_precision() -> None:
    decoded = STANDARD.decode(STANDARD.encode(TABLE))
    assert list(decoded) == TABLE.column_names
    for name in ("flag", "zone", "port"):
        for column in (name, f"{name}_or_not"):
            assert decoded[column] == TABLE.column(column).to_pylist()
    for column in ("size", "size_or_not"):
        assert_within(decoded[column], TABLE.column(column).to_pylist(), 1e-5)
    for column in ("when", "when_or_not"):
        seconds = [
            [moment and moment.timestamp() for moment in moments]
            for moments in (decoded[column], TABLE.column(column).to_pylist())
        ]
        assert_within(*seconds, 1e-6)
    assert decoded["site"] == ["7"] * N_ROWS


def assert_within(found: list, expected: list, share_of_range: float) -> None:
    assert [value is None for value in found] == [value is None for value in expected]
    there = [(a, b) for a, b in zip(found, expected, strict=True) if b is not None]
    first, second = np.array(there, np.float64).T
    assert np.abs(first - second).max() <= share_of_range * np.ptp(second)


@each_style
def test_missing_values_are_decoded_as_missing(style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    decoded = encoding.decode(encoding.encode(TABLE))
    for name in TABLE.column_names:
        assert [value is None for value in decoded[name]] == TABLE.column(name).is_null().to_pylist()


def test_values_of_the_articles_encoding_are_decoded() -> None:
    encoding = ENCODINGS["article"]
    decoded = encoding.decode(encoding.encode(TABLE))
    assert decoded["zone_or_not"] == TABLE.column("zone_or_not").to_pylist()
    assert_within(decoded["size_or_not"], TABLE.column("size_or_not").to_pylist(), 1e-6)
    assert_within(decoded["port"], TABLE.column("port").to_pylist(), 1e-6)


# Novelty


@pytest.mark.parametrize(
    ("training", "later"),
    [
        pytest.param(["a", "b"] * 50, "c", id="unseen category"),
        pytest.param([7] * 100, 8, id="changed constant"),
        pytest.param([0, 1] * 50, 2, id="neither true nor false"),
        pytest.param([*range(100)], None, id="missing number"),
        pytest.param([0, 1] * 50, None, id="missing flag"),
        pytest.param(["a", "b"] * 50, None, id="missing category"),
        pytest.param([7] * 100, None, id="missing constant"),
        pytest.param([dt.datetime(2024, 1, 1 + day % 20) for day in range(100)], None, id="missing time"),
    ],
)
def test_an_event_that_100_rows_do_not_show_has_the_novelty_ln_101(training: list, later: object) -> None:
    column = pa.array([training[0], later], pa.array(training).type)
    np.testing.assert_allclose(novelty_of(training, column), [0.0, np.log(101)], rtol=1e-12)


def test_a_number_one_width_outside_the_range_has_a_novelty_near_ln_of_n_plus_1() -> None:
    training = np.linspace(-1, 1, 1000)
    novelty = novelty_of(training, [1.0, 1.9, 3.0, -3.0, 100.0], "number")
    np.testing.assert_array_equal(novelty[:2], 0)
    assert 0 < novelty[2] < novelty[4]
    assert novelty[2] == pytest.approx(np.log(1001), abs=2.0)
    assert novelty[3] == pytest.approx(novelty[2])


def test_times_less_than_one_range_width_later_have_no_novelty() -> None:
    start = dt.datetime(2024, 1, 1)
    training = [start + dt.timedelta(hours=hour) for hour in range(101)]
    later = [start + dt.timedelta(hours=hour) for hour in (0, 100, 150, 199, -99, 230, 1000)]
    novelty = novelty_of(training, later, "timestamp")
    np.testing.assert_allclose(novelty[:5], 0, atol=1e-9)
    assert 0 < novelty[5] < novelty[6]


def test_novelty_is_in_the_column_with_the_unseen_value() -> None:
    row = LATER.slice(0, 1).to_pylist()[0] | {"zone": "never", "size": None, "site": 8, "flag": 2}
    novelty = STANDARD.encode(pa.Table.from_pylist([row], TABLE.schema)).novelty[0]
    odd = [name for name, nats in zip(STANDARD.names, novelty, strict=True) if nats > 0]
    assert [name for name in odd if name in row and name in ("size", "flag", "zone", "site")] == [
        "size",
        "flag",
        "zone",
        "site",
    ]
    np.testing.assert_allclose(novelty[[0, 2, 3, 6]], np.log(N_ROWS + 1))


def test_a_later_table_that_does_not_fit_is_refused() -> None:
    with pytest.raises(SchemaMismatchError, match="column 'zone' is missing"):
        STANDARD.encode(LATER.drop_columns(["zone"]))


# The article's widths, and the layout


def test_the_article_style_is_one_hot_for_names_and_zero_to_one_for_numbers() -> None:
    """KDD Cup 99 has 38 numbers and 3 names of 3, 70 and 11 values, which become 38 + 84 features."""
    rng = np.random.default_rng(0)
    names = {"protocol": 3, "service": 70, "flag": 11}
    columns = {f"n{index}": np.append(rng.exponential(size=999) * 10.0**index, 0.0) for index in range(5)}
    columns |= {name: [f"{name}{row % size}" for row in range(1000)] for name, size in names.items()}
    columns |= {"outbound": [0] * 1000, "logged_in": [0, 1] * 500}
    table = pa.table(columns)
    encoding = TableEncoding.learn(TableSchema.infer(table), table, "article")
    encoded = encoding.encode(table)
    assert [column.n_features for column in encoding.columns] == [1] * 5 + [3, 70, 11] + [1, 2]
    np.testing.assert_array_equal(encoded.rows[:, :5].min(axis=0), 0)
    np.testing.assert_array_equal(encoded.rows[:, :5].max(axis=0), 1)
    starts = np.cumsum([0, *(column.n_features for column in encoding.columns)])
    for start, stop in pairwise(starts[5:]):
        np.testing.assert_array_equal(encoded.rows[:, start:stop].sum(axis=1), 1)


@each_style
def test_every_feature_belongs_to_exactly_one_column(style: EncodingStyle) -> None:
    encoding = ENCODINGS[style]
    layout = encoding.layout
    widths = [column.n_features for column in encoding.columns]
    assert layout.n_columns == len(encoding.names) == 14
    assert layout.n_features == sum(widths)
    np.testing.assert_array_equal(layout.feature_column, np.repeat(np.arange(14), widths))


@each_style
def test_every_feature_has_at_most_one_distribution_and_it_is_its_columns(style: EncodingStyle) -> None:
    layout = ENCODINGS[style].layout
    grouped = [
        (feature, column) for group, column in zip(layout.groups, layout.group_column, strict=True) for feature in group
    ]
    owned = [
        *zip(layout.gaussian, layout.gaussian_column, strict=True),
        *zip(layout.binary, layout.binary_column, strict=True),
        *grouped,
    ]
    features = [feature for feature, _ in owned]
    assert len(set(features)) == len(features)
    assert all(layout.feature_column[feature] == column for feature, column in owned)
    assert len(layout.is_presence_flag) == len(layout.binary)
    left_out = sorted(set(range(layout.n_features)) - set(features))
    never_seen = [group[-1] + 1 for group in layout.groups]
    assert left_out == never_seen


def test_a_presence_flag_is_one_where_there_is_a_value() -> None:
    layout = STANDARD.layout
    encoded = STANDARD.encode(TABLE)
    flags = [
        (f, c)
        for f, c, is_flag in zip(layout.binary, layout.binary_column, layout.is_presence_flag, strict=True)
        if is_flag
    ]
    assert [STANDARD.names[column] for _, column in flags] == [name for name in STANDARD.names if "_or_not" in name]
    for feature, column in flags:
        np.testing.assert_array_equal(encoded.rows[:, feature] == 1, encoded.presence[:, column])


def test_features_of_a_missing_value_are_zero() -> None:
    encoded = STANDARD.encode(TABLE)
    owner = np.array(STANDARD.layout.feature_column)
    assert (encoded.rows[~encoded.presence[:, owner]] == 0).all()


@each_style
def test_an_encoding_is_unchanged_after_a_round_trip_through_json(style: EncodingStyle) -> None:
    adapter = pydantic.TypeAdapter(TableEncoding)
    again = adapter.validate_json(adapter.dump_json(ENCODINGS[style]))
    assert again == ENCODINGS[style]
    assert_same(again.encode(LATER), ENCODINGS[style].encode(LATER))


@pytest.mark.parametrize("style", ENCODINGS)
def test_the_encoding_does_not_depend_on_the_number_of_rows_encoded_together(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ENCODINGS[style].encode(LATER)
    monkeypatch.setattr(number, "ROWS_AT_ONCE", 7)
    assert_same(ENCODINGS[style].encode(LATER), whole)


def test_each_number_column_is_encoded_as_it_is_by_itself() -> None:
    values = STANDARD.schema.values(LATER)
    whole = STANDARD.encode(LATER)
    start = 0
    for index, (name, column) in enumerate(zip(STANDARD.names, STANDARD.columns, strict=True)):
        if column.kind == "number":
            features = np.zeros((len(LATER), column.n_features), np.float32)
            presence, novelty = column.encode(values[name], features, STANDARD.n_rows)
            np.testing.assert_array_equal(whole.rows[:, start : start + column.n_features], features)
            np.testing.assert_array_equal(whole.presence[:, index], presence)
            np.testing.assert_array_equal(whole.novelty[:, index], novelty)
        start += column.n_features


def test_a_flag_of_the_article_that_is_neither_or_missing_has_no_feature() -> None:
    training = pa.table({"flag": pa.array([0, 1, 1, 0]), "size": [1.0, 2.0, 3.0, 4.0]})
    encoding = TableEncoding.learn(TableSchema.infer(training), training, "article")
    later = pa.table({"flag": pa.array([1, 0, 7, None]), "size": [1.0] * 4})
    encoded = encoding.encode(later)
    np.testing.assert_array_equal(encoded.rows[:, :2], [[0, 1], [1, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(encoded.presence[:, 0], [True, True, False, False])


def test_a_zero_is_decoded_as_zero() -> None:
    """Features have 24 bits, so that 0 came back as 1e-10, which a reason then printed."""
    for values in ([0.0, 0.0, 0.3, 1.0, 7.9], [0.0, 1e-3, 5.0, 1e9, 2.0]):
        table = pa.table({"size": values})
        encoding = TableEncoding.learn(TableSchema.infer(table, {"size": "number"}), table)
        decoded = encoding.decode(encoding.encode(table))["size"]
        assert [value == 0.0 for value in decoded] == [value == 0.0 for value in values]
