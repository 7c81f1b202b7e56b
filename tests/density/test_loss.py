"""The loss is a negative evidence lower bound: its parts have known answers, and it never falls below the truth."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns import FeatureLayout
from oddrow.density import (
    LossParts,
    MixedLikelihood,
    NetworkShape,
    SquaredError,
    decode,
    initial_parameters,
    kl_divergence,
    loss_parts,
)
from oddrow.training import DEFAULT_TRAINING

# A number that may be missing, a flag, a category of two places beside the one of the never seen.
LAYOUT = FeatureLayout(
    n_features=6,
    n_columns=3,
    gaussian=(0,),
    gaussian_column=(0,),
    binary=(1, 2),
    binary_column=(0, 1),
    is_presence_flag=(True, False),
    groups=((3, 4),),
    group_column=(2,),
    feature_column=(0, 0, 1, 2, 2, 2),
)
LIKELIHOOD = MixedLikelihood(LAYOUT)
SHAPE = NetworkShape(n_inputs=6, hidden=(8,), n_latent=2, n_outputs=LIKELIHOOD.n_outputs, is_variational=True)
PARAMETERS = initial_parameters(SHAPE, np.random.default_rng(0))
N_ROWS = 12
_RNG = np.random.default_rng(1)
PRESENCE = np.ones((N_ROWS, 3), np.bool_)
PRESENCE[:4, 0] = False
ROWS = np.zeros((N_ROWS, 6), np.float32)
ROWS[:, 0] = np.where(PRESENCE[:, 0], _RNG.normal(size=N_ROWS), 0.0)
ROWS[:, 1] = PRESENCE[:, 0]
ROWS[:, 2] = _RNG.integers(0, 2, N_ROWS)
ROWS[np.arange(N_ROWS), _RNG.integers(3, 5, N_ROWS)] = 1.0
NOISE = _RNG.normal(size=(N_ROWS, 2)).astype(np.float32)
FINITE = st.floats(-3, 3)
few = settings(max_examples=40, deadline=None)


def loss(xp: object = np, parameters: dict = PARAMETERS, shape: NetworkShape = SHAPE, **more: object) -> LossParts:
    given = {"rows": ROWS, "presence": PRESENCE, "noise": NOISE} | more
    return loss_parts(xp, shape, LIKELIHOOD, parameters, **given)


def test_numpy_and_jax_have_the_same_loss() -> None:
    presence = jnp.asarray(PRESENCE, jnp.float32)
    for more in ({"noise": NOISE, "kl_weight": 0.3, "reconstruction_weight": 2.0}, {"noise": None}):
        compiled = jax.jit(lambda parameters, more=more: loss(jnp, parameters, presence=presence, **more))
        for first, second in zip(loss(**more), compiled(PARAMETERS), strict=True):
            np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


@few
@given(st.floats(0, 10), st.floats(0, 10))
def test_the_total_is_the_weighted_sum_of_its_parts_exactly(kl_weight: float, reconstruction_weight: float) -> None:
    found = loss(kl_weight=kl_weight, reconstruction_weight=reconstruction_weight)
    assert found.total == reconstruction_weight * np.sum(found.reconstruction) + kl_weight * np.sum(found.kl)
    assert found.reconstruction.shape == (4,)
    assert found.kl.shape == (2,)


def test_with_both_weights_one_the_total_is_reconstruction_and_kl() -> None:
    found = loss()
    assert found.total == np.sum(found.reconstruction) + np.sum(found.kl)
    assert (found.kl > 0).all()
    assert (found.reconstruction > 0).all()


def test_the_weights_do_not_change_the_parts() -> None:
    plain, weighted = loss(), loss(kl_weight=5.0, reconstruction_weight=0.0)
    np.testing.assert_array_equal(plain.kl, weighted.kl)
    np.testing.assert_array_equal(plain.reconstruction, weighted.reconstruction)


def test_the_loss_is_a_mean_over_rows() -> None:
    each = [
        loss(rows=ROWS[row : row + 1], presence=PRESENCE[row : row + 1], noise=NOISE[row : row + 1])
        for row in range(N_ROWS)
    ]
    whole = loss()
    for part in range(3):
        np.testing.assert_allclose(whole[part], np.mean([one[part] for one in each], axis=0), rtol=1e-5)


# Kullback and Leibler


def test_the_kl_is_zero_at_the_prior_and_only_there() -> None:
    grid = np.linspace(-2, 2, 41)
    mean, log_variance = (values.reshape(-1, 1) for values in np.meshgrid(grid, grid))
    kl = kl_divergence(np, mean, log_variance)
    at_prior = (np.abs(mean) < 1e-9) & (np.abs(log_variance) < 1e-9)
    assert at_prior.sum() == 1
    np.testing.assert_allclose(kl[at_prior], 0.0, atol=1e-12)
    assert (kl[~at_prior] > 0).all()


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.5), (1.5, 1.0), (-0.7, 2.0), (2.0, 0.1)])
def test_the_kl_is_the_mean_of_the_log_ratio(mean: float, deviation: float) -> None:
    posterior = scipy.stats.norm(mean, deviation)
    draws = posterior.rvs(200_000, random_state=0)
    log_ratio = posterior.logpdf(draws) - scipy.stats.norm.logpdf(draws)
    kl = kl_divergence(np, np.array([[mean]]), np.array([[2 * np.log(deviation)]]))
    assert kl.item() == pytest.approx(log_ratio.mean(), abs=5 * log_ratio.std() / np.sqrt(len(draws)) + 1e-9)


def test_the_kl_pulls_the_encoder_at_the_default_settings() -> None:
    def total(parameters: dict, kl_weight: float) -> jax.Array:
        return loss(jnp, parameters, presence=jnp.asarray(PRESENCE, jnp.float32), kl_weight=kl_weight).total

    gradient = jax.jit(jax.grad(total))
    weighted, without = gradient(PARAMETERS, DEFAULT_TRAINING.kl_weight), gradient(PARAMETERS, 0.0)
    assert DEFAULT_TRAINING.kl_weight == 1.0
    assert float(np.sum(loss().kl)) > 0
    for name in PARAMETERS:
        pull = np.abs(weighted[name] - without[name]).max()
        assert pull > 1e-3 if name.startswith("encoder") else pull < 1e-6


def test_the_gradient_of_the_kl_is_the_closed_form() -> None:
    mean, log_variance = NOISE[:, :1], NOISE[:, 1:]
    by_mean = jax.grad(lambda value: kl_divergence(jnp, value, log_variance).sum())(mean)
    by_log_variance = jax.grad(lambda value: kl_divergence(jnp, mean, value).sum())(log_variance)
    np.testing.assert_allclose(by_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(by_log_variance, 0.5 * (np.exp(log_variance) - 1), rtol=1e-4, atol=1e-6)


# A bound on the evidence


def test_the_loss_is_the_exact_evidence_where_the_posterior_is_exact() -> None:
    """Factor analysis with one factor: x = w z + c + noise has a normal posterior and a normal marginal."""
    layout = FeatureLayout(3, 3, (0, 1, 2), (0, 1, 2), (), (), (), (), (), (0, 1, 2))
    shape = NetworkShape(n_inputs=3, hidden=(), n_latent=1, n_outputs=6, is_variational=True)
    weight, offset, variance = np.array([1.5, -0.5, 0.3]), np.array([0.1, -1.0, 0.0]), np.array([0.5, 0.2, 1.0])
    precision = 1 + np.sum(weight**2 / variance)
    slope = weight / variance / precision
    exact = {
        "encoder_0_weight": np.column_stack([slope, np.zeros(3)]),
        "encoder_0_bias": np.array([-slope @ offset, -np.log(precision)]),
        "decoder_0_weight": np.append(weight, np.zeros(3))[None, :],
        "decoder_0_bias": np.append(offset, np.log(variance)),
    }
    rows = np.random.default_rng(0).normal(size=(5, 3))
    marginal = scipy.stats.multivariate_normal(offset, np.outer(weight, weight) + np.diag(variance))
    evidence = -marginal.logpdf(rows)
    likelihood = MixedLikelihood(layout)
    np.testing.assert_allclose([mean_bound(shape, likelihood, exact, row) for row in rows], evidence, rtol=1e-8)
    for name in ("encoder_0_weight", "encoder_0_bias"):
        for change in (0.3, -0.3):
            wrong = exact | {name: exact[name] + change}
            bounds = [mean_bound(shape, likelihood, wrong, row) for row in rows]
            assert (bounds > evidence + 1e-3).all()


@few
@given(st.integers(0, 10**6), st.sampled_from([(), (5,)]), st.floats(0.2, 3.0))
def test_the_loss_is_never_below_the_exact_evidence(seed: int, hidden: tuple[int, ...], scale: float) -> None:
    """One latent dimension, mixed columns: the evidence is an integral over z that a fine grid gives."""
    shape = replace(SHAPE, hidden=hidden, n_latent=1)
    drawn = initial_parameters(shape, np.random.default_rng(seed))
    parameters = {name: scale * value.astype(np.float64) for name, value in drawn.items()}
    row = seed % N_ROWS
    bound = mean_bound(shape, LIKELIHOOD, parameters, ROWS[row].astype(np.float64), PRESENCE[row])
    z = np.linspace(-12, 12, 2401)
    outputs = decode(np, shape, parameters, z[:, None])
    copies = [np.repeat(of_row[row : row + 1], len(z), axis=0) for of_row in (ROWS.astype(np.float64), PRESENCE)]
    log_joint = scipy.stats.norm.logpdf(z) - LIKELIHOOD.negative_log_likelihood(np, outputs, *copies).sum(axis=1)
    evidence = -(scipy.special.logsumexp(log_joint) + np.log(z[1] - z[0]))
    assert bound >= evidence - 1e-4


def mean_bound(
    shape: NetworkShape, likelihood: MixedLikelihood, parameters: dict, row: np.ndarray, there: np.ndarray | None = None
) -> float:
    """The loss of one row in the mean over the noise, weighted by its density."""
    noise = np.linspace(-8, 8, 801)
    weights = scipy.stats.norm.pdf(noise) / np.sum(scipy.stats.norm.pdf(noise))
    presence = np.ones((1, likelihood.layout.n_columns), np.bool_)
    if there is not None:
        presence &= there
    totals = [loss_parts(np, shape, likelihood, parameters, row[None], presence, np.array([[z]])).total for z in noise]
    return float(weights @ totals)


# What is sampled


def test_the_noise_moves_the_latent_by_its_deviation() -> None:
    """A decoder that passes the latent on: the squared error shows mean + deviation * noise."""
    layout = FeatureLayout(1, 1, (0,), (0,), (), (), (), (), (), (0,))
    shape = NetworkShape(n_inputs=1, hidden=(), n_latent=1, n_outputs=1, is_variational=True)
    parameters = {
        "encoder_0_weight": np.array([[0.0, 0.0]]),
        "encoder_0_bias": np.array([0.4, np.log(0.25)]),
        "decoder_0_weight": np.array([[1.0]]),
        "decoder_0_bias": np.array([0.0]),
    }
    for noise, latent in ((np.array([[3.0]]), 0.4 + 0.5 * 3.0), (None, 0.4)):
        rows = np.array([[0.0]])
        found = loss_parts(np, shape, SquaredError(layout), parameters, rows, np.ones((1, 1)), noise)
        assert found.reconstruction.item() == pytest.approx(scipy.special.expit(latent) ** 2, rel=1e-12)
        assert found.kl.item() == pytest.approx(0.5 * (0.16 + 0.25 - 1 - np.log(0.25)), rel=1e-12)


def test_an_autoencoder_has_no_kl_and_ignores_the_noise() -> None:
    shape = replace(SHAPE, is_variational=False)
    parameters = initial_parameters(shape, np.random.default_rng(0))
    with_noise, without = loss(shape=shape, parameters=parameters), loss(shape=shape, parameters=parameters, noise=None)
    assert with_noise.total == without.total == np.sum(without.reconstruction)
    assert not with_noise.kl.any()
