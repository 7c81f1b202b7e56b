"""Scaled numbers keep their order, stay finite and can be inverted; the excess measures how far they lie outside."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from oddrow.columns._scaling import HEAVY_TAIL, Scaling, Scalings

LARGEST = np.finfo(float).max
FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY_COLUMN = st.lists(FINITE, min_size=1, max_size=12).map(np.array)
ORDINARY_COLUMN = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30).map(np.array)
EXTREMES = np.array([-LARGEST, -1e300, -1e16, -1.0, -1e-300, -5e-324, 0.0, 5e-324, 1e-300, 1.0, 1e16, 1e300, LARGEST])
few = settings(max_examples=60, deadline=None)

_RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": _RNG.normal(size=200),
    "normal far from zero": 1.7e9 + 1e4 * _RNG.normal(size=200),
    "bytes": np.floor(np.exp(4 + 3 * _RNG.normal(size=500))),
    "heavy above zero": np.exp(5 * _RNG.normal(size=500)),
    "heavy on both sides": _RNG.standard_t(1, size=500) ** 3,
    "mostly zero": np.where(np.arange(100) < 90, 0.0, np.arange(100.0)),
    "two values": np.array([3.0, 4.0]),
    "one value": np.array([5.0, 5.0]),
}
each_column = pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)


def width(values: np.ndarray) -> float:
    return float(values.max() / 2 - values.min() / 2) * 2


@few
@given(ANY_COLUMN, ANY_COLUMN)
@example(np.array([-LARGEST, LARGEST]), EXTREMES)
@example(np.array([LARGEST, LARGEST]), EXTREMES)
@example(np.array([LARGEST, 0.9 * LARGEST, 0.8 * LARGEST]), EXTREMES)
@example(np.array([-LARGEST, -LARGEST, LARGEST, LARGEST]), EXTREMES)
@example(np.array([0.0, 5e-324, 1e-323]), EXTREMES)
@example(np.concatenate([[5e-324] * 3, np.linspace(1, 3, 99), [1000.0]]), EXTREMES)
@example(np.array([5e-324, LARGEST]), EXTREMES)
def test_every_finite_number_stays_finite_and_in_order(values: np.ndarray, later: np.ndarray) -> None:
    scaling = Scaling.learn(values)
    standardised = scaling.apply(np.sort(np.concatenate([values, later])))
    assert np.isfinite(standardised.astype(np.float32)).all()
    assert np.isfinite(scaling.excess(standardised)).all()
    assert np.isfinite(scaling.invert(standardised)).all()
    assert (np.diff(standardised) >= -1e-12 * np.abs(standardised[1:])).all()


@each_column
def test_inside_the_range_the_curve_rises_strictly(values: np.ndarray) -> None:
    inside = np.linspace(values.min(), values.max(), 1000) if np.ptp(values) else values[:1]
    assert (np.diff(Scaling.learn(values).apply(inside)) > 0).all()


@each_column
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_outside_the_range_the_curve_rises_strictly_to_the_largest_floats(values: np.ndarray, side: float) -> None:
    scaling = Scaling.learn(values)
    border = values.max() if side > 0 else values.min()
    # far enough that differences exceed the rounding of the border's logarithm, which differs between processors
    decades = np.geomspace(max(0.01 * scaling.scale, 1e-9 * abs(border)), 1e290 * scaling.scale, 5000)
    outside = np.unique(border + side * decades)
    standardised = scaling.apply(outside)
    assert (np.diff(standardised) > 0).all()
    assert (np.diff(side * scaling.excess(standardised)) > 0).all()


@few
@given(ORDINARY_COLUMN, ORDINARY_COLUMN)
def test_numbers_are_inverted(values: np.ndarray, later: np.ndarray) -> None:
    assume(width(values) > 1e-3)
    scaling = Scaling.learn(values)
    np.testing.assert_allclose(scaling.invert(scaling.apply(values)), values, rtol=0, atol=1e-11 * width(values) + 1e-9)
    np.testing.assert_allclose(scaling.invert(scaling.apply(later)), later, rtol=1e-9, atol=1e-9 * width(values) + 1e-9)


@each_column
def test_numbers_far_outside_the_range_are_inverted(values: np.ndarray) -> None:
    scaling = Scaling.learn(values)
    far = scaling.scale * np.geomspace(1e3, 1e290, 500)
    far = np.concatenate([-far, far]) + values.max()
    np.testing.assert_allclose(scaling.invert(scaling.apply(far)), far, rtol=1e-9)


@each_column
def test_the_training_values_have_mean_zero_and_deviation_one(values: np.ndarray) -> None:
    standardised = Scaling.learn(values).apply(values)
    assert np.mean(standardised) == pytest.approx(0.0, abs=1e-9)
    assert np.std(standardised) == pytest.approx(1.0 if np.ptp(values) else 0.0, abs=1e-9)


def test_differences_in_an_almost_constant_column_stay_small() -> None:
    values = np.append(np.zeros(99_999), 1e-3)
    standardised = Scaling.learn(values).apply(values)
    assert np.abs(standardised).max() <= 20.0


@few
@given(ANY_COLUMN)
def test_inside_the_range_there_is_no_excess(values: np.ndarray) -> None:
    scaling = Scaling.learn(values)
    low, high = values.min(), values.max()
    halves = low / 2 + np.linspace(0, 1, 7) * (high / 2 - low / 2)  # the width of huge numbers overflows
    inside = np.clip(2 * np.clip(halves, low / 2, high / 2), low, high)
    assert (scaling.excess(scaling.apply(np.concatenate([values, inside]))) < 1e-12).all()


@pytest.mark.parametrize("name", ["normal", "normal far from zero", "two values", "heavy on both sides"])
def test_the_excess_grows_from_zero_at_the_border(name: str) -> None:
    values = COLUMNS[name]
    scaling = Scaling.learn(values)
    widths = np.array([0.0, 1e-4, 0.1, 1.0, 10.0, 1e6])
    above = scaling.excess(scaling.apply(values.max() + widths * width(values)))
    below = scaling.excess(scaling.apply(values.min() - widths * width(values)))
    for excess in (above, below):
        assert excess[0] == pytest.approx(0.0, abs=1e-12)
        assert (np.diff(excess) > 0).all()
    if not scaling.heavy:
        np.testing.assert_allclose(above, below)
        assert above[1] == pytest.approx(1e-4, rel=1e-3)  # the slope goes on at the border
        assert 0.5 <= above[3] <= 1.0


def test_the_scale_is_logarithmic_only_where_the_tail_is_heavy() -> None:
    assert [name for name, values in COLUMNS.items() if Scaling.learn(values).heavy] == [
        "bytes",
        "heavy above zero",
        "heavy on both sides",
    ]
    tail = np.append(_RNG.uniform(-1, 1, 1000), 1.0)
    for furthest, is_heavy in ((0.8 * HEAVY_TAIL, False), (1.3 * HEAVY_TAIL, True)):
        spread = np.subtract(*np.quantile(tail, [0.75, 0.25])) / 1.349
        assert Scaling.learn(np.append(tail, furthest * spread)).heavy is is_heavy


def test_on_a_heavy_column_equal_factors_are_equal_steps() -> None:
    scaling = Scaling.learn(COLUMNS["bytes"])
    steps = np.diff(scaling.apply(np.array([1e2, 1e3, 1e4, 1e5])))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-3)


@few
@given(ORDINARY_COLUMN, st.floats(0.5, 1e3), st.floats(-1e6, 1e6))
def test_the_unit_of_a_number_does_not_matter(values: np.ndarray, factor: float, shift: float) -> None:
    assume(width(values) > 1.0)
    scaling = Scaling.learn(values)
    assume(not scaling.heavy and np.ptp(np.quantile(values, [0.25, 0.75])) > 1e-3 * width(values))
    moved = Scaling.learn(values * factor + shift)
    assume(not moved.heavy)
    np.testing.assert_allclose(moved.apply(values * factor + shift), scaling.apply(values), atol=1e-5)


def test_missing_values_stay_missing_and_do_not_change_the_scaling() -> None:
    values = COLUMNS["normal"]
    with_holes = np.insert(values, [0, 50, 200], np.nan)
    assert Scaling.learn(with_holes) == Scaling.learn(values)
    standardised = Scaling.learn(values).apply(with_holes)
    np.testing.assert_array_equal(np.isnan(standardised), np.isnan(with_holes))


def test_a_column_without_values_still_has_a_scale() -> None:
    scaling = Scaling.learn(np.array([np.nan, np.nan]))
    assert np.isfinite(scaling.apply(EXTREMES)).all()


@few
@given(ANY_COLUMN, st.randoms(use_true_random=False))
def test_the_order_of_the_training_values_does_not_matter(values: np.ndarray, random: object) -> None:
    shuffled = values.copy()
    random.shuffle(shuffled)
    first, second = Scaling.learn(values), Scaling.learn(shuffled)
    np.testing.assert_allclose(first.apply(values), second.apply(values), rtol=1e-6, atol=1e-6)


def test_several_scalings_together_equal_each_one_alone() -> None:
    scalings = [Scaling.learn(values) for values in COLUMNS.values()]
    asked = np.stack([np.append(EXTREMES, [np.nan, *one.invert(np.array([one.low, one.high]))]) for one in scalings])
    standardised, excess = Scalings(tuple(scalings)).apply(asked)
    assert excess is not None
    for place, scaling in enumerate(scalings):
        np.testing.assert_array_equal(standardised[place], scaling.apply(asked[place]))
        there = ~np.isnan(asked[place])
        np.testing.assert_allclose(
            excess[place][there], scaling.excess(standardised[place][there]), rtol=1e-9, atol=1e-9
        )


def test_values_within_the_range_have_no_excess() -> None:
    scaling = Scaling.learn(COLUMNS["bytes"])
    standardised, excess = Scalings((scaling,)).apply(COLUMNS["bytes"][None])
    assert excess is None
    assert not scaling.excess(standardised).any()
