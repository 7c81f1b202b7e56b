import numpy as np
import pyarrow as pa
import pytest

from oddrow.columns import Kind, TableSchema
from oddrow.comparison import Between, Cluster, Jitter, NoProbes, Normals, Recombined, Tail, Unseen, make_probes
from oddrow.datasets import make_connections
from oddrow.exceptions import DataError
from oddrow.table import as_table

KINDS = [
    Recombined(),
    Recombined(0.5),
    Recombined(0.5, together=False),
    Tail(),
    Tail(share=0.3),
    Jitter(),
    Jitter(0.1, "column"),
    Unseen(),
    Cluster(Recombined(0.5)),
    Between(),
]


def normals_of(table, held_out=120):
    table = as_table(table)
    return Normals(table.slice(0, held_out), table.slice(held_out), TableSchema.infer(table))


@pytest.fixture(scope="module")
def mixed():
    """Connections: every kind of column but text, missing values, a constant; one more that is ignored."""
    table = make_connections(600, odd_share=0, random_state=0).table
    return normals_of(table)


@pytest.fixture(scope="module")
def plane():
    """float64 [600, 3]: two numbers that are equal but for a little noise, and a whole one."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 3))
    rows[:, 1] = rows[:, 0] + 0.05 * rows[:, 1]
    return normals_of(pa.table({"a": rows[:, 0], "b": rows[:, 1], "count": rng.poisson(20.0, 600)}))


def made(kind, normals, seed=0):
    probes = make_probes(kind, normals, np.random.default_rng(seed))
    assert not isinstance(probes, NoProbes), probes
    return probes


def cells_changed(probes, normals):
    """Changed cells by column: bool [n] each."""
    before = normals.rows.take(pa.array(probes.made_from))
    return {
        name: np.array(
            [old != new for old, new in zip(before[name].to_pylist(), probes.table[name].to_pylist(), strict=True)]
        )
        for name in before.column_names
    }


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_a_probe_differs_from_its_row_and_fits_the_table(kind, mixed):
    probes = made(kind, mixed)
    assert probes.table.schema == mixed.rows.schema
    assert probes.table.num_rows == len(probes.made_from) > 100
    changed = cells_changed(probes, mixed)
    assert np.logical_or.reduce(list(changed.values())).all()
    assert not changed["interface_version"].any()  # a constant is no place for another row's value
    mixed.schema.values(probes.table)  # raises where a value is not of its column's kind


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_probes_are_a_function_of_the_generator(kind, mixed):
    assert made(kind, mixed, 3).table.equals(made(kind, mixed, 3).table)
    assert not made(kind, mixed, 3).table.equals(made(kind, mixed, 4).table)


def test_swapped_changes_one_column_to_a_value_of_another_row(mixed):
    probes = made(Recombined(), mixed)
    changed = cells_changed(probes, mixed)
    np.testing.assert_array_equal(np.sum(list(changed.values()), axis=0), 1)
    for name in mixed.rows.column_names:
        assert set(probes.table[name].to_pylist()) <= set(mixed.rows[name].to_pylist())
    assert sum(flags.any() for flags in changed.values()) > 8  # not always the same column


def test_permuted_together_takes_the_values_from_one_row():
    values = np.arange(600)
    normals = normals_of(pa.table({name: values + 1000 * place for place, name in enumerate("abcd")}))
    rows = np.column_stack([made(Recombined(0.5), normals).table[name].to_numpy() % 1000 for name in "abcd"])
    assert {len(set(row)) for row in rows.tolist()} == {2}  # its own and one other
    apart = made(Recombined(0.5, together=False), normals).table
    rows = np.column_stack([apart[name].to_numpy() % 1000 for name in "abcd"])
    assert np.mean([len(set(row)) for row in rows.tolist()]) > 2.9


def test_recombined_breaks_the_dependence_and_keeps_the_distribution_of_each_column(plane):
    gap = np.abs(plane.rows["a"].to_numpy() - plane.rows["b"].to_numpy())
    table = made(Recombined(0.99, together=False), plane).table
    probe_gap = np.abs(table["a"].to_numpy() - table["b"].to_numpy())
    assert np.median(probe_gap) > 8 * np.median(gap)
    assert set(table["a"].to_numpy()) <= set(plane.rows["a"].to_numpy())


def test_tail_lies_beyond_the_quantile_within_reach(plane):
    reach = 0.5
    probes = made(Tail(reach), plane)
    changed = cells_changed(probes, plane)
    np.testing.assert_array_equal(np.sum(list(changed.values()), axis=0), 1)
    a = plane.reference["a"].to_numpy()
    low, middle, high = np.quantile(a, [0.01, 0.5, 0.99])
    pushed = probes.table["a"].to_numpy()[changed["a"]]
    assert ((pushed >= high) | (pushed <= low)).all()
    assert pushed.max() <= high + reach * (high - middle)
    assert pushed.min() >= low - reach * (middle - low)
    assert pushed.max() > high and pushed.min() < low


@pytest.mark.parametrize("kind", [Tail(), Jitter(3.0), Jitter(0.5, "column")], ids=repr)
def test_whole_numbers_stay_whole_in_integers_and_in_floats(kind):
    counts = np.random.default_rng(0).poisson(20.0, size=(600, 2))
    table = made(kind, normals_of(pa.table({"i": counts[:, 0], "f": counts[:, 1].astype(float)}))).table
    assert table["i"].type == pa.int64()
    floats = table["f"].to_numpy()
    np.testing.assert_array_equal(floats, np.rint(floats))


def test_integers_stay_within_their_type():
    full = np.random.default_rng(0).choice(np.array([0, 255, 128], np.uint8), size=(600, 2))
    table = made(Tail(3.0, share=1.0), normals_of(pa.table({"x": full[:, 0], "y": np.arange(600) * 2.0}))).table
    assert table["x"].type == pa.uint8()
    assert set(table["x"].to_pylist()) <= set(range(256))


def test_jitter_of_the_neighbour_scale_is_as_large_as_the_distance_to_the_nearest_row(plane):
    alone = Normals(
        plane.rows.select(["a", "b"]), plane.reference.select(["a", "b"]), TableSchema(plane.schema.columns[:2])
    )
    probes = made(Jitter(2.0), alone)
    scale = np.array([alone.reference[name].to_numpy().std() for name in "ab"])
    near = np.column_stack([alone.reference[name].to_numpy() for name in "ab"]) / scale
    old = np.column_stack([alone.rows[name].to_numpy() for name in "ab"])[probes.made_from] / scale
    new = np.column_stack([probes.table[name].to_numpy() for name in "ab"]) / scale
    nearest = np.min(np.linalg.norm(old[:, None] - near[None], axis=2), axis=1)
    np.testing.assert_allclose(np.linalg.norm(new - old, axis=1), 2.0 * nearest, rtol=1e-9)


def test_unseen_is_a_category_that_no_row_has(mixed):
    probes = made(Unseen(), mixed)
    changed = cells_changed(probes, mixed)
    np.testing.assert_array_equal(np.sum(list(changed.values()), axis=0), 1)
    named = [column.name for column in mixed.schema.used if column.kind is Kind.CATEGORY]
    for name in named:
        new = {value for value, flag in zip(probes.table[name].to_pylist(), changed[name], strict=True) if flag}
        assert len(new) == 1
        assert not new & set(mixed.both[name].to_pylist())


def test_an_unseen_flag_is_a_number():
    normals = normals_of(pa.table({"flag": np.arange(600) % 2 + 3, "x": np.arange(600.0)}))
    table = made(Unseen(), normals).table
    assert table["flag"].type == pa.int64()
    assert set(table["flag"].to_pylist()) == {5}


def test_a_cluster_is_a_few_dense_groups(plane):
    probes = made(Cluster(Tail(3.0), copies=20), plane)
    assert len(set(probes.made_from)) == plane.rows.num_rows // 20
    a = probes.table["a"].to_numpy()
    for centre in set(probes.made_from):
        assert a[probes.made_from == centre].std() < 0.1 * plane.rows["a"].to_numpy().std()


def test_a_missing_value_stays_missing_where_only_numbers_change():
    rng = np.random.default_rng(0)
    values = pa.array(rng.normal(size=600), mask=rng.random(600) < 0.3)
    normals = normals_of(pa.table({"x": values, "y": rng.normal(size=600)}))
    probes = made(Jitter(), normals)
    before = normals.rows.take(pa.array(probes.made_from))
    assert probes.table["x"].is_null().equals(before["x"].is_null())


@pytest.mark.parametrize(
    ("kind", "table", "why"),
    [
        (Recombined(), {"x": np.arange(300.0)}, "fewer than two columns"),
        (Tail(), {"s": ["a", "b", "c"] * 100}, "no column of numbers"),
        (Jitter(), {"s": ["a", "b", "c"] * 100}, "no column of numbers"),
        (Unseen(), {"x": np.arange(300.0)}, "no column of categories"),
        (Cluster(Tail()), {"s": ["a", "b", "c"] * 100}, "no column of numbers"),
        (Recombined(), {"s": ["a", "a", "b", "b"] * 75, "t": ["c", "d"] * 150}, "equals a row"),
    ],
)
def test_a_kind_that_cannot_be_made_gives_the_reason(kind, table, why):
    probes = make_probes(kind, normals_of(pa.table(table)), np.random.default_rng(0))
    assert isinstance(probes, NoProbes)
    assert why in probes.why


def test_a_table_without_rows_is_refused(plane):
    with pytest.raises(DataError, match="no row to make probes from"):
        make_probes(Tail(), Normals(plane.rows.slice(0, 0), plane.reference, plane.schema), np.random.default_rng(0))


def test_huge_and_tiny_numbers_stay_finite():
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "huge": rng.choice([1.7e308, -1.7e308, 0.0], 300),
            "tiny": rng.choice([5e-324, 0.0, 1e-310], 300),
            "x": rng.normal(size=300).astype(np.float32),
        }
    )
    for kind in KINDS:
        probes = make_probes(kind, normals_of(table), np.random.default_rng(0))
        if not isinstance(probes, NoProbes):
            for name in table.column_names:
                assert np.isfinite(probes.table[name].to_numpy()).all(), (kind, name)
