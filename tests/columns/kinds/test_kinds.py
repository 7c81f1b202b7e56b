"""Each kind of column: its features, decoding, and the novelty of values without a likelihood."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns.kinds.boolean import BooleanEncoding
from oddrow.columns.kinds.category import MAX_CATEGORIES, NEVER_SEEN, RARE, CategoryEncoding
from oddrow.columns.kinds.constant import ConstantEncoding
from oddrow.columns.kinds.number import NumberEncoding
from oddrow.columns.kinds.one_hot import OneHotEncoding
from oddrow.columns.kinds.range import RangeEncoding
from oddrow.columns.kinds.text import TextEncoding
from oddrow.columns.kinds.timestamp import TimestampEncoding

NAN = float("nan")
DAY = 86_400.0
FINITE = st.floats(allow_nan=False, allow_infinity=False)
few = settings(max_examples=40, deadline=None)


def texts(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def numbers(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def encoded(encoding: object, values: object, n_rows: int = 99) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, presence and novelty."""
    features = np.zeros((len(values), encoding.n_features), np.float32)
    presence, novelty = encoding.encode(values, features, n_rows)
    assert presence.dtype == np.bool_
    assert np.isfinite(features).all()
    assert np.isfinite(novelty).all()
    assert (novelty >= 0).all()
    return features, presence, novelty


FULL = {
    "number": (NumberEncoding, numbers(1.5, 2.5, 9.0)),
    "boolean": (BooleanEncoding, numbers(0, 1, 1)),
    "category": (CategoryEncoding, texts("a", "b", "a")),
    "timestamp": (TimestampEncoding, numbers(0.0, 3600.0, 1e6)),
    "text": (TextEncoding, texts("a b", "CD-9", "déjà vu")),
    "constant": (ConstantEncoding, texts("x", "x", "x")),
}
ARTICLE = {
    "range": (RangeEncoding, numbers(1.5, 2.5, 9.0)),
    "one-hot": (OneHotEncoding, texts("a", "b", "a")),
    "one-hot flag": (OneHotEncoding, numbers(0, 1, 1)),
}
each_standard_kind = pytest.mark.parametrize(("learner", "values"), FULL.values(), ids=FULL)
each_kind = pytest.mark.parametrize(("learner", "values"), (FULL | ARTICLE).values(), ids=FULL | ARTICLE)


def with_hole(values: object) -> object:
    if isinstance(values, np.ndarray):
        return np.append(values, NAN)
    return texts(*values.to_pylist(), None)


@each_kind
@pytest.mark.parametrize("has_hole", [False, True])
def test_training_rows_have_no_novelty(learner: type, values: object, has_hole: bool) -> None:
    values = with_hole(values) if has_hole else values
    _, presence, novelty = encoded(learner.learn(values), values)
    np.testing.assert_allclose(novelty, 0.0, atol=1e-9)
    assert presence.tolist() == [True] * 3 + [False] * has_hole


@each_standard_kind
def test_a_missing_value_has_the_novelty_ln_of_n_plus_1_if_no_training_value_is_missing(
    learner: type, values: object
) -> None:
    features, presence, novelty = encoded(learner.learn(values), with_hole(values), n_rows=1000)
    assert presence.tolist() == [True, True, True, False]
    assert novelty[3] == pytest.approx(np.log(1001))
    assert (features[3] == 0).all()


@each_standard_kind
def test_a_column_with_missing_training_values_has_a_presence_flag_and_no_novelty(
    learner: type, values: object
) -> None:
    encoding = learner.learn(with_hole(values))
    ((flag, is_flag),) = [entry for entry in encoding.binary if entry[1]]
    features, _, novelty = encoded(encoding, with_hole(values))
    assert is_flag
    assert features[:, flag].tolist() == [1, 1, 1, 0]
    assert novelty[3] == 0
    assert encoding.n_features == learner.learn(values).n_features + 1


@each_kind
@pytest.mark.parametrize("has_hole", [False, True])
def test_every_feature_has_one_distribution(learner: type, values: object, has_hole: bool) -> None:
    encoding = learner.learn(with_hole(values) if has_hole else values)
    distributed = [*encoding.gaussian, *(offset for offset, _ in encoding.binary), *encoding.group]
    if learner is CategoryEncoding:
        distributed.append(len(encoding.frequent) + 1)  # the feature of unseen names has novelty instead
    assert sorted(distributed) == list(range(encoding.n_features))


@each_kind
def test_a_column_without_values_can_be_learned_and_scored(learner: type, values: object) -> None:
    nothing = np.full(3, NAN) if isinstance(values, np.ndarray) else texts(None, None, None)
    encoding = learner.learn(nothing)
    features, presence, _ = encoded(encoding, nothing)
    assert not presence.any()
    encoded(encoding, values)
    assert len(encoding.decode(features)) == 3


@each_kind
def test_an_empty_table_is_encoded_and_decoded(learner: type, values: object) -> None:
    none = values[:0] if isinstance(values, np.ndarray) else values.slice(0, 0)
    encoding = learner.learn(values)
    features, presence, novelty = encoded(encoding, none)
    assert (len(features), len(presence), len(novelty)) == (0, 0, 0)
    assert encoding.decode(features) == []


# Numbers


@few
@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20).map(lambda values: np.round(values, 6)))
def test_numbers_are_decoded_within_a_share_of_their_range(values: np.ndarray) -> None:
    encoding = NumberEncoding.learn(values)
    features, _, _ = encoded(encoding, values)
    back = np.array(encoding.decode(features), np.float64)
    tolerance = 1e-5 * np.ptp(values) + (1e-5 if not np.ptp(values) else 0) + np.spacing(np.abs(values).max())
    assert np.abs(back - values).max() <= tolerance + 0.5 * encoding.is_whole


def test_whole_numbers_are_decoded_as_whole_numbers() -> None:
    values = numbers(22, 80, 443, 8080, 65535)
    encoding = NumberEncoding.learn(values)
    back = encoding.decode(encoded(encoding, values)[0])
    assert back == [22, 80, 443, 8080, 65535]
    assert all(isinstance(value, int) for value in back)
    assert isinstance(NumberEncoding.learn(numbers(0.5, 2)).decode(np.zeros((1, 1), np.float32))[0], float)


@pytest.mark.parametrize("n_rows", [10, 1000, 100_000])
def test_the_novelty_of_a_number_grows_with_its_distance_from_the_range(n_rows: int) -> None:
    encoding = NumberEncoding.learn(np.linspace(0, 10, 50))
    far = numbers(10, 10.01, 12, 20, 40, 1e6, 1e300)
    _, presence, above = encoded(encoding, far, n_rows)
    _, _, below = encoded(encoding, 10 - far, n_rows)
    assert presence.all()
    np.testing.assert_allclose(above, below)
    np.testing.assert_array_equal(above[:3], 0)  # within half a width
    assert (np.diff(above[2:]) > 0).all()
    assert above[3] == pytest.approx(np.log(1 + n_rows * (np.log(2) - 0.5)))  # one width away, on a logarithmic scale
    assert above[5] > np.log(n_rows + 1)


@few
@given(st.lists(FINITE, min_size=1, max_size=8).map(np.array), st.lists(FINITE, min_size=1, max_size=8).map(np.array))
def test_finite_numbers_have_finite_features_and_novelty(training: np.ndarray, later: np.ndarray) -> None:
    for learner in (NumberEncoding, RangeEncoding):
        encoding = learner.learn(training)
        features, _, _ = encoded(encoding, np.concatenate([later, training, [NAN]]))
        assert np.isfinite(np.array(encoding.decode(features), np.float64)).all()


# Flags


def test_a_third_value_of_a_flag_has_novelty_and_no_likelihood() -> None:
    encoding = BooleanEncoding.learn(numbers(0, 1, 1))
    features, presence, novelty = encoded(encoding, numbers(0, 1, 2), n_rows=50)
    assert features[:, 0].tolist() == [0, 1, 0]
    assert presence.tolist() == [True, True, False]
    np.testing.assert_allclose(novelty, [0, 0, np.log(51)])


def test_a_third_value_of_a_flag_is_not_missing() -> None:
    encoding = BooleanEncoding.learn(numbers(0, 1, NAN))
    features, presence, _ = encoded(encoding, numbers(2, NAN))
    assert features[:, 1].tolist() == [1, 0]
    assert presence.tolist() == [False, False]


def test_flags_are_decoded() -> None:
    encoding = BooleanEncoding.learn(numbers(0, 1))
    assert encoding.decode(encoded(encoding, numbers(1, 0, 1))[0]) == [True, False, True]


# Names


def test_frequent_names_have_a_feature_each_and_rare_names_share_one() -> None:
    values = texts("b", "b", "b", "a", "a", "once", "single", "a")
    encoding = CategoryEncoding.learn(values)
    features, presence, novelty = encoded(encoding, texts("a", "b", "once", "single", "new"), n_rows=8)
    assert encoding.frequent == ("a", "b")
    np.testing.assert_array_equal(np.argmax(features, axis=1), [0, 1, 2, 2, 3])
    np.testing.assert_array_equal(features.sum(axis=1), 1)
    assert presence.tolist() == [True, True, True, True, False]
    assert (novelty[:4] == 0).all()
    assert encoding.decode(features) == ["a", "b", RARE, RARE, NEVER_SEEN]


def test_a_single_rare_name_is_decoded_by_name() -> None:
    encoding = CategoryEncoding.learn(texts("a", "a", "once"))
    assert encoding.decode(encoded(encoding, texts("once"))[0]) == ["once"]


def test_if_no_name_repeats_no_name_is_rare() -> None:
    assert CategoryEncoding.learn(texts("a", "b", "c")).frequent == ("a", "b", "c")


def test_the_number_of_names_with_a_feature_each_is_bounded() -> None:
    names = [f"n{index:03d}" for index in range(MAX_CATEGORIES + 6)]
    encoding = CategoryEncoding.learn(texts(*names, *names, "n069"))
    assert len(encoding.frequent) == MAX_CATEGORIES
    assert encoding.frequent[:2] == ("n069", "n000")  # the most frequent first, then by name
    assert len(encoding.rare) == 6
    assert encoding.seen_once == 0
    assert encoding.n_features == MAX_CATEGORIES + 2


@few
@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_features_of_names_do_not_depend_on_the_order_of_the_rows(names: list[str], random: object) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)
    assert CategoryEncoding.learn(texts(*names)) == CategoryEncoding.learn(texts(*shuffled))


def test_an_unseen_name_has_the_novelty_ln_of_n_plus_1_if_all_names_repeat() -> None:
    encoding = CategoryEncoding.learn(texts(*"aabbcc"))
    _, presence, novelty = encoded(encoding, texts("new", "a"), n_rows=6)
    assert presence.tolist() == [False, True]
    np.testing.assert_allclose(novelty, [np.log(7), 0])


def test_the_novelty_of_an_unseen_name_falls_with_the_number_of_names_seen_once() -> None:
    """Good and Turing estimate the probability of an unseen name by the share of rows with a name seen once."""
    novelty = []
    for once in (0, 10, 50, 99):
        names = [f"once{index}" for index in range(once)] + ["often"] * (100 - once)
        _, _, (new,) = encoded(CategoryEncoding.learn(texts(*names)), texts("new"), n_rows=100)
        novelty.append(new)
    assert (np.diff(novelty) < 0).all()
    np.testing.assert_allclose(novelty[:2], [np.log(101), np.log(111 / 11)])
    assert novelty[3] < np.log(2.1)


# Times


def test_the_hour_and_the_weekday_are_points_on_circles() -> None:
    times = numbers(0, DAY / 4, DAY / 2, 5 * DAY, 7 * DAY, -DAY)
    features, _, _ = encoded(TimestampEncoding.learn(times), times)
    np.testing.assert_allclose(features[:, 1] ** 2 + features[:, 2] ** 2, 1, rtol=1e-6)
    np.testing.assert_allclose(features[:, 3] ** 2 + features[:, 4] ** 2, 1, rtol=1e-6)
    np.testing.assert_allclose(features[:3, 1:3], [[0, 1], [1, 0], [0, -1]], atol=1e-6)
    np.testing.assert_allclose(features[3:, 1:3], [[0, 1]] * 3, atol=1e-6)  # midnight
    np.testing.assert_allclose(features[0, 3:], features[4, 3:], atol=1e-6)  # the same weekday
    assert np.abs(features[0, 3:] - features[3, 3:]).max() > 0.1


def test_times_within_one_range_width_outside_have_no_novelty() -> None:
    training = np.linspace(0, 10 * DAY, 100)
    encoding = TimestampEncoding.learn(training)
    times = numbers(10 * DAY, 10 * DAY + 1, 15 * DAY, 19.99 * DAY, 21 * DAY, 40 * DAY, 1e18)
    features, presence, novelty = encoded(encoding, times, n_rows=100)
    _, _, earlier = encoded(encoding, 10 * DAY - times, n_rows=100)
    assert presence.all()
    np.testing.assert_allclose(novelty[:4], 0, atol=1e-9)
    assert (np.diff(novelty[3:]) > 0).all()
    assert novelty[5] > np.log(20)
    np.testing.assert_allclose(novelty, earlier, atol=1e-6)
    np.testing.assert_array_equal(features[:, 0], features[0, 0])  # counts as the border


def test_times_are_decoded_within_a_millionth_of_their_range() -> None:
    times = np.floor(1.7e9 + np.random.default_rng(0).uniform(0, 365 * DAY, 100))
    encoding = TimestampEncoding.learn(times)
    back = encoding.decode(encoded(encoding, times)[0])
    seconds = np.array([(moment - dt.datetime(1970, 1, 1)).total_seconds() for moment in back])
    assert np.abs(seconds - times).max() <= 1e-6 * np.ptp(times)


@few
@given(st.lists(FINITE, min_size=1, max_size=5).map(np.array), st.lists(FINITE, min_size=1, max_size=5).map(np.array))
def test_finite_times_have_finite_features_and_novelty(training: np.ndarray, later: np.ndarray) -> None:
    encoding = TimestampEncoding.learn(training)
    features, _, _ = encoded(encoding, np.concatenate([later, training]))
    assert all(value is None or isinstance(value, dt.datetime) for value in encoding.decode(features))


# Constants


def test_another_value_of_a_constant_has_the_novelty_ln_of_n_plus_1() -> None:
    encoding = ConstantEncoding.learn(texts("x", "x"))
    features, presence, novelty = encoded(encoding, texts("x", "y", None), n_rows=20)
    assert features.shape == (3, 0)
    assert presence.tolist() == [True, True, False]
    np.testing.assert_allclose(novelty, [0, np.log(21), np.log(21)])
    assert encoding.decode(features) == ["x"] * 3


def test_a_value_in_a_column_of_only_missing_values_has_novelty() -> None:
    _, _, novelty = encoded(ConstantEncoding.learn(texts(None, None)), texts(None, "x"), n_rows=20)
    np.testing.assert_allclose(novelty, [0, np.log(21)])


# The article's encoding


@few
@given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=10).map(lambda values: np.round(values, 6)))
def test_the_training_range_is_encoded_as_zero_to_one(values: np.ndarray) -> None:
    encoding = RangeEncoding.learn(values)
    features, _, _ = encoded(encoding, values)
    if np.ptp(values):
        assert (features.min(), features.max()) == (0.0, 1.0)
        np.testing.assert_allclose(features[:, 0], (values - values.min()) / np.ptp(values), atol=1e-6)
    np.testing.assert_allclose(
        np.array(encoding.decode(features)), values, rtol=0, atol=1e-6 * np.ptp(values) + 1e-15 * np.abs(values).max()
    )


def test_the_articles_range_encoding_is_linear_outside_and_zero_for_missing_values() -> None:
    features, presence, novelty = encoded(RangeEncoding.learn(numbers(10, 20)), numbers(5, 25, NAN, 1e300))
    assert features[:, 0].tolist() == [-0.5, 1.5, 0.0, 1e6]
    assert presence.tolist() == [True, True, False, True]
    assert not novelty.any()


def test_one_hot_has_a_feature_for_each_training_value_and_none_for_others() -> None:
    encoding = OneHotEncoding.learn(texts("b", "a", "c", None, "b"))
    features, presence, novelty = encoded(encoding, texts("a", "c", "new", None, "b"))
    assert encoding.categories == ("a", "b", "c")
    np.testing.assert_array_equal(features, [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0]])
    assert presence.tolist() == [True, True, False, False, True]
    assert not novelty.any()
    assert encoding.decode(features)[:2] == ["a", "c"]


def test_a_flag_is_one_hot_too() -> None:
    encoding = OneHotEncoding.learn(numbers(0, 1, NAN))
    features, presence, _ = encoded(encoding, numbers(1, 0, NAN, 2))
    np.testing.assert_array_equal(features, [[0, 1], [1, 0], [0, 0], [0, 0]])
    assert presence.tolist() == [True, True, False, False]
