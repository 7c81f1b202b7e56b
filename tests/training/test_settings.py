"""How long a fit takes follows from its settings and the number of rows."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.training import ARTICLE_TRAINING, DEFAULT_TRAINING, TrainingSettings


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 50), st.integers(1, 10**6), st.integers(1, 4096))
def test_epochs_become_the_smallest_number_of_steps_that_covers_them(epochs: int, n_rows: int, batch_rows: int) -> None:
    steps = TrainingSettings(max_epochs=epochs, batch_rows=batch_rows).steps(n_rows)
    assert steps == ceil(Fraction(epochs * n_rows, batch_rows))
    assert (steps - 1) * batch_rows < epochs * n_rows <= steps * batch_rows


@pytest.mark.parametrize("n_rows", [1, 1000, 10**9])
def test_without_max_epochs_the_steps_are_max_steps(n_rows: int) -> None:
    assert TrainingSettings(max_steps=70).steps(n_rows) == 70


def test_a_table_without_rows_takes_one_step() -> None:
    assert TrainingSettings(max_epochs=3).steps(0) == 1


def test_another_kl_weight_changes_nothing_else() -> None:
    assert ARTICLE_TRAINING.with_kl_weight(0.25) == replace(ARTICLE_TRAINING, kl_weight=0.25)
    assert ARTICLE_TRAINING.kl_weight == 1.0


def test_a_short_table_changes_only_the_batch_size() -> None:
    short, long = DEFAULT_TRAINING.for_rows(10_000), DEFAULT_TRAINING.for_rows(10_001)
    assert (short.batch_rows, long.batch_rows) == (128, 256)
    assert replace(short, batch_rows=256) == long == DEFAULT_TRAINING
    few = TrainingSettings(batch_rows=16)
    assert few.for_rows(100) == few


def test_the_default_loss_is_the_unweighted_bound_and_has_patience() -> None:
    assert (DEFAULT_TRAINING.kl_weight, DEFAULT_TRAINING.reconstruction_weight) == (1.0, 1.0)
    assert DEFAULT_TRAINING.patience is not None


def test_the_articles_training_is_the_published_one() -> None:
    """Adam at 1e-4, each element of the summed gradient clipped to +-0.5, 32 passes over batches of 256."""
    article = ARTICLE_TRAINING
    assert (article.learning_rate, article.clip_elements, article.max_epochs) == (1e-4, 0.5, 32)
    assert (article.batch_rows, article.sum_over_batch, article.clip_norm) == (256, True, None)
    assert (article.anneal, article.patience) == (False, None)
    assert article.steps(97_278) == 12_160
