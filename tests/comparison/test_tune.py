import json

import numpy as np
import pytest

import oddrow
from oddrow.comparison import CANDIDATES, ProbeRanking, ProbeRun, Tuning
from oddrow.exceptions import SettingError


def ranked(**scores):
    """A ranking with these scores on each seed; None for a method that failed."""
    runs = tuple(
        ProbeRun(name, seed, {}, {}, None, "ValueError: no luck")
        if value is None
        else ProbeRun(name, seed, {"tail": value}, {"tail": value}, 1.0, None)
        for name, values in scores.items()
        for seed, value in enumerate(values)
    )
    n_seeds = len(next(iter(scores.values())))
    return ProbeRanking(runs, {"tail": 1.0}, {}, tuple(range(n_seeds)), 200, 160, 40)


def tuned(**scores):
    return Tuning(ranked(**scores), {name: oddrow.VAEDetector(max_steps=n + 1) for n, name in enumerate(scores)})


def test_the_default_stays_unless_the_best_is_significantly_better():
    tuning = tuned(default=(0.80, 0.81, 0.79, 0.80), other=(0.85, 0.78, 0.86, 0.79))
    assert tuning.ranking.recommended == "other"
    assert tuning.recommended == "default"
    assert tuning.detector.max_steps == 1
    assert tuning.sentences[0].startswith("the default stays: no other settings are significantly better")


def test_the_best_of_the_significantly_better_candidates_is_recommended():
    tuning = tuned(
        default=(0.800, 0.801, 0.799, 0.800),
        good=(0.820, 0.822, 0.818, 0.821),
        better=(0.840, 0.842, 0.838, 0.841),
        wild=(0.99, 0.75, 0.99, 0.75),  # the highest mean, and nothing sure about it
    )
    assert tuning.ranking.recommended == "wild"
    assert tuning.recommended == "better"
    assert "VAEDetector(max_steps=3)" in tuning.sentences[0]


def test_a_significantly_worse_candidate_is_not_recommended():
    tuning = tuned(default=(0.800, 0.801, 0.799), worse=(0.600, 0.602, 0.599))
    assert tuning.p_values["worse"] < 0.05
    assert tuning.recommended == "default"


def test_sentences_state_a_single_seed_and_failures():
    assert "no test of a difference" in tuned(default=(0.8,), other=(0.9,)).sentences[0]
    failed = tuned(default=(0.8, None), other=(0.9, 0.9))
    assert failed.recommended == "other"
    assert failed.sentences[0] == "the default failed; other has the best score"
    nothing = tuned(default=(None, None))
    assert (nothing.recommended, nothing.detector) == (None, None)
    json.dumps(nothing.to_dict(), allow_nan=False)


def test_tune_fits_every_candidate_and_gives_plain_values(untrained):
    rows = np.random.default_rng(0).normal(size=(60, 3))
    tuning = oddrow.tune(rows, seeds=2)
    assert {rank.method for rank in tuning.ranking.ranking} == set(CANDIDATES)
    assert all(rank.error is None for rank in tuning.ranking.ranking)
    kept = json.loads(json.dumps(tuning.to_dict(), allow_nan=False))
    assert kept["candidates"]["weak-kl"] == "VAEDetector(kl_weight=0.1)"
    assert kept["recommended"] in CANDIDATES
    assert tuning.to_table().num_rows == len(CANDIDATES) * 2 * len(tuning.ranking.weights)


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        ({"mine": oddrow.VAEDetector()}, "candidates has no 'default'"),
        ({"default": oddrow.VAEDetector(), "bad": "knn1"}, "candidate 'bad' is 'knn1'"),
    ],
)
def test_candidates_are_detectors_and_one_is_the_default(candidates, words):
    with pytest.raises(SettingError, match=words):
        oddrow.tune(np.zeros((50, 2)), candidates=candidates)
