from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oddrow.exceptions import SettingError
from oddrow.pictures import MapSummary, Panel
from oddrow.pictures._summary import MapWindow, colour_ceiling, curve_limits, surprise_histogram

numbers = st.floats(-1e6, 1e6, width=32)
clouds = arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=numbers)
surprises = arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1e6, width=32))
thresholds = st.one_of(st.floats(0, 1e6), st.just(np.inf))


def summary_of(surprise, threshold=4.6, **others):
    surprise = np.asarray(surprise, dtype=np.float64)
    values = {
        "latent_map": np.zeros((len(surprise), 2)),
        "surprise": surprise,
        "is_odd": surprise > threshold,
        "threshold": threshold,
    }
    return MapSummary(**(values | others))


@given(clouds)
def test_a_window_moves_only_points_outside_it_and_those_stay_within_the_axes(points):
    window = MapWindow.around(points)
    limits, placed, outside = window.limits(), window.clamp(points), window.sides(points) != ""
    assert (window.low < window.high).all()
    assert (placed[~outside] == points[~outside]).all()
    assert (placed >= limits[:, 0]).all()
    assert (placed <= limits[:, 1]).all()
    assert ((placed[outside] < window.low) | (placed[outside] > window.high)).any(axis=1).all()


def test_without_far_points_all_points_are_inside_the_window():
    points = np.random.default_rng(0).normal(size=(5000, 2))
    assert (MapWindow.around(points).sides(points) == "").all()


@pytest.mark.parametrize("rows", [10, 1000])
def test_one_far_point_does_not_change_the_window_and_becomes_a_triangle(rows):
    points = np.random.default_rng(0).normal(size=(rows, 2))
    alone = MapWindow.around(points)
    joined = MapWindow.around(np.vstack([points, [1e30, 0.0]]))
    assert joined.sides(np.array([[1e30, 0.0], [-1e30, 0.0], [0.0, 1e30], [0.0, -1e30]])).tolist() == [
        ">", "<", "^", "v",
    ]  # fmt: skip
    np.testing.assert_allclose(joined.high - joined.low, alone.high - alone.low, rtol=0.6)


def test_the_bulk_takes_a_third_of_each_axis_for_any_number_of_far_rows():
    rng = np.random.default_rng(0)
    is_bulk = np.arange(1000) < 600
    points = np.where(is_bulk[:, None], rng.uniform(-1, 1, (1000, 2)), rng.normal(0, 1e4, (1000, 2)))
    window = MapWindow.around(points, bulk=is_bulk)
    assert (window.sides(points[is_bulk]) == "").all()
    assert ((window.high - window.low) <= 3 * 2.0).all()


def test_two_clusters_of_the_bulk_are_both_shown():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1000, 2)) + np.where(np.arange(1000) < 900, 0, 50)[:, None]
    assert (MapWindow.around(points).sides(points) == "").all()


@given(surprises, thresholds)
def test_a_histogram_counts_every_row_once(surprise, threshold):
    histogram = surprise_histogram(summary_of(surprise, threshold))
    assert (np.diff(histogram.edges) > 0).all()
    assert histogram.normal.sum() == (surprise <= threshold).sum()
    assert histogram.odd.sum() == (surprise > threshold).sum()
    assert histogram.beyond == (surprise > histogram.edges[-1]).sum()


def test_no_bar_lies_on_both_sides_of_the_threshold():
    surprise = np.random.default_rng(0).exponential(2, 1000)
    for threshold in (0.7, 4.605, 6.9):
        histogram = surprise_histogram(summary_of(surprise, threshold))
        assert threshold in histogram.edges
        assert not (histogram.normal & histogram.odd).any()


def test_a_histogram_groups_by_the_label_if_there_is_one():
    histogram = surprise_histogram(summary_of([1.0, 9.0], is_anomaly=np.array([True, True])))
    assert (histogram.normal.sum(), histogram.odd.sum()) == (0, 2)


def test_extreme_surprise_is_counted_beyond_an_axis_that_still_shows_the_bulk():
    surprise = np.append(np.random.default_rng(0).exponential(1, 999), 1e9)
    histogram = surprise_histogram(summary_of(surprise))
    assert histogram.beyond == 1
    assert histogram.edges[-1] < 50
    assert histogram.odd[-1] >= 1


def test_colours_reach_the_highest_surprise_unless_it_is_far_above_the_rest():
    assert colour_ceiling(summary_of([0.1, 1.0, 7.0])) == 7.0
    surprise = np.random.default_rng(0).exponential(1, 1000)
    assert colour_ceiling(summary_of(np.append(surprise, 1e9))) < 3 * 4.6 + 1e-9
    assert colour_ceiling(summary_of(np.append(surprise, np.full(500, 1e9)))) == pytest.approx(3 * 4.6)


@given(surprises, thresholds)
def test_colours_always_cover_an_interval(surprise, threshold):
    ceiling = colour_ceiling(summary_of(surprise, threshold))
    assert ceiling > min(0.0, surprise.min())
    assert np.isfinite(ceiling)


def test_curve_limits_cut_off_an_early_peak_and_show_everything_else():
    calm = np.linspace(20.0, 10.0, 100)
    peak = np.append(1e6, calm)
    low, high = curve_limits([peak])
    assert low < 10.0
    assert 20.0 < high < 40.0
    assert curve_limits([calm])[1] > 20.0


@pytest.mark.parametrize("series", [[], [np.nan, np.inf], [3.0], [0.0, 0.0], [-5.0, np.nan]])
def test_curve_limits_are_an_interval_whatever_the_curve(series):
    low, high = curve_limits([np.array(series)])
    assert np.isfinite([low, high]).all()
    assert low < high


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"latent_map": np.zeros((3, 3))}, r"latent_map has the shape \(3, 3\); give two numbers per row"),
        ({"latent_map": np.zeros((0, 2))}, r"n > 0"),
        ({"latent_map": np.full((3, 2), np.nan)}, "latent_map contains a value that is not finite"),
        ({"surprise": np.zeros(2)}, r"surprise has the shape \(2,\); there are 3 points"),
        ({"surprise": np.full(3, np.inf)}, "surprise contains a value that is not finite"),
        ({"threshold": np.nan}, "threshold is nan"),
        ({"is_odd": np.array([0, 0, 1])}, "is_odd is of type int64; give booleans"),
        ({"is_anomaly": np.array([True])}, r"is_anomaly has the shape \(1,\)"),
    ],
)
def test_a_summary_refuses_what_cannot_be_drawn(wrong, message):
    right = {
        "latent_map": np.zeros((3, 2)),
        "surprise": np.zeros(3),
        "is_odd": np.zeros(3, dtype=bool),
        "threshold": 4.6,
    }
    with pytest.raises(SettingError, match=message):
        MapSummary(**(right | wrong))


def test_a_summary_refuses_a_learning_curve_that_is_empty_or_of_uneven_lengths():
    curve = {
        "step": np.arange(2), "training_loss": np.zeros(2), "held_out_loss": np.zeros(2),
        "reconstruction": np.zeros(2), "kl": np.zeros(3), "best_step": 1,
    }  # fmt: skip
    with pytest.raises(SettingError, match=r"learning_curve\.kl has 3 values; step has 2"):
        summary_of([1.0], learning_curve=SimpleNamespace(**curve))
    with pytest.raises(SettingError, match="learning_curve is empty"):
        summary_of([1.0], learning_curve=SimpleNamespace(**(curve | {"step": np.arange(0)})))


def test_a_panel_refuses_labels_that_are_no_classes():
    points = np.zeros((11, 2))
    with pytest.raises(SettingError, match="labels have 11 classes; a panel shows at most 10"):
        Panel(points=points, labels=np.arange(11), title="too many")
    with pytest.raises(SettingError, match="labels are of type float64"):
        Panel(points=points, labels=np.zeros(11), title="no integers")
