"""A change is mentioned where chance does not explain it and where it is large enough to matter."""

import numpy as np
import pytest

from oddrow.report._share_changes import SIGNIFICANCE, ShareEvents, chance, largest_change, percent


def event(normal, current, n=10_000, m=4_000, name="it"):
    shares = np.array([normal]), np.array([current])
    return ShareEvents(*shares, n, m, lambda _, has_values: f"{name}: 3" if has_values else name)


def change(*events, n_events=100, worth=1.0, has_values=True):
    return largest_change(list(events), n_events, worth, has_values=has_values)


def evidence(p, q, n, m):
    pooled = (n * p + m * q) / (n + m)

    def entropy(share):
        with np.errstate(all="ignore"):
            parts = share * np.log(share / pooled), (1 - share) * np.log((1 - share) / (1 - pooled))
        return np.nan_to_num(parts[0]) + np.nan_to_num(parts[1])

    return n * entropy(p) + m * entropy(q)


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5, 0.97])
@pytest.mark.parametrize(("n", "m"), [(50, 50), (2_000, 100), (300, 5_000)])
def test_the_chance_of_evidence_is_at_most_the_bound(share, n, m):
    rng = np.random.default_rng(0)
    found = evidence(rng.binomial(n, share, 200_000) / n, rng.binomial(m, share, 200_000) / m, n, m)
    for level in (2.0, 3.0, 5.0, 8.0):
        reached = np.mean(found >= level)
        assert reached <= chance(level) + 4 * np.sqrt(reached / 200_000)


def test_the_bound_falls_with_the_evidence():
    bounds = [chance(level) for level in np.linspace(0, 60, 200)]
    assert bounds[0] == 1.0
    assert (np.diff(bounds) <= 0).all()
    assert bounds[-1] < 1e-20


def test_equal_shares_are_no_change():
    assert change(event(0.3, 0.3), event(0.0, 0.0), event(1.0, 1.0)) is None


def test_a_small_difference_is_not_mentioned_however_certain_it_is():
    assert change(event(0.50, 0.51, n=10**9, m=10**9)) is None
    assert change(event(0.50, 0.60, n=10**9, m=10**9)) == "it: 3"
    assert change(event(0.0, 0.005, n=10**9, m=10**9)) is None
    assert change(event(0.0, 0.01, n=10**9, m=10**9)) == "it: 3"


def test_a_large_difference_is_not_mentioned_if_chance_may_explain_it():
    assert change(event(0.2, 0.6, m=5)) is None
    assert change(event(0.2, 0.6, m=500)) == "it: 3"


def test_more_events_need_more_evidence():
    borderline = event(0.1, 0.25, m=150)
    assert change(borderline, n_events=1) is not None
    assert change(borderline, n_events=1_000_000) is None


def test_rows_that_depend_on_each_other_are_less_evidence():
    assert change(event(0.1, 0.25, m=300), worth=1.0) is not None
    assert change(event(0.1, 0.25, m=300), worth=0.1) is None


def test_the_largest_difference_is_mentioned():
    assert change(event(0.1, 0.3, name="a"), event(0.0, 0.3, name="b"), event(0.5, 0.8, name="c")) == "b: 3"
    assert change(event(0.1, 0.3, name="a"), has_values=False) == "a"


def test_no_rows_are_no_change():
    assert change() is None
    assert change(event(0.0, 1.0, n=0)) is None


def test_the_level_is_that_of_all_events_together():
    assert SIGNIFICANCE == 0.01
    level = next(level for level in np.arange(0, 50, 0.01) if chance(level) * 200 <= SIGNIFICANCE)
    assert 200 * 4 * (1 + level - np.log(4)) * np.exp(-level) == pytest.approx(SIGNIFICANCE, rel=0.02)


@pytest.mark.parametrize("share", np.linspace(0, 1, 101).tolist())
def test_a_percentage_is_near_the_share(share):
    assert float(percent(share).removesuffix(" %")) == pytest.approx(100 * share, abs=0.51)
