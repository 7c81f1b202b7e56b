"""The network is one function in two array namespaces: what JAX trained is what NumPy scores with."""

from dataclasses import replace
from itertools import pairwise

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.density import NetworkShape, decode, encode, initial_parameters
from oddrow.density._network import LOG_VARIANCE_BOUND

SHAPE = NetworkShape(n_inputs=7, hidden=(16, 9), n_latent=3, n_outputs=11, is_variational=True)
PARAMETERS = initial_parameters(SHAPE, np.random.default_rng(0))
ROWS = np.random.default_rng(1).normal(size=(20, 7)).astype(np.float32)
LATENT = np.random.default_rng(2).normal(size=(20, 3)).astype(np.float32)

SHAPES = st.builds(
    NetworkShape,
    n_inputs=st.integers(0, 6),
    hidden=st.lists(st.integers(1, 6), max_size=3).map(tuple),
    n_latent=st.integers(1, 4),
    n_outputs=st.integers(0, 6),
    is_variational=st.booleans(),
)
few = settings(max_examples=30, deadline=None)


def test_numpy_and_jax_encode_and_decode_alike() -> None:
    for first, second in zip(encode(np, SHAPE, PARAMETERS, ROWS), encode(jnp, SHAPE, PARAMETERS, ROWS), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        decode(np, SHAPE, PARAMETERS, LATENT), decode(jnp, SHAPE, PARAMETERS, LATENT), rtol=1e-5, atol=1e-6
    )


def test_a_known_answer_by_hand() -> None:
    """One hidden unit, by hand: the hidden layer is cut at zero, the outputs are not."""
    shape = NetworkShape(n_inputs=2, hidden=(1,), n_latent=1, n_outputs=2, is_variational=True)
    parameters = {
        "encoder_0_weight": np.array([[1.0], [-2.0]]),
        "encoder_0_bias": np.array([0.5]),
        "encoder_1_weight": np.array([[2.0, -3.0]]),
        "encoder_1_bias": np.array([-1.0, 0.25]),
        "decoder_0_weight": np.array([[-1.0]]),
        "decoder_0_bias": np.array([0.0]),
        "decoder_1_weight": np.array([[4.0, -5.0]]),
        "decoder_1_bias": np.array([1.0, 2.0]),
    }
    mean, log_variance = encode(np, shape, parameters, np.array([[1.0, 0.25], [0.0, 1.0]]))
    assert mean.tolist() == [[1.0], [-1.0]]  # hidden: 1 and max(-1.5, 0)
    assert log_variance.tolist() == [[-2.75], [0.25]]
    assert decode(np, shape, parameters, np.array([[-0.5], [3.0]])).tolist() == [[3.0, -0.5], [1.0, 2.0]]


@few
@given(SHAPES)
def test_the_decoder_mirrors_the_encoder(shape: NetworkShape) -> None:
    layers = shape.layers
    encoder = [sizes for name, sizes in layers.items() if name.startswith("encoder")]
    decoder = [sizes for name, sizes in layers.items() if name.startswith("decoder")]
    assert encoder[0][0] == shape.n_inputs
    assert encoder[-1][1] == shape.n_latent * (1 + shape.is_variational)
    assert decoder[0][0] == shape.n_latent
    assert decoder[-1][1] == shape.n_outputs
    assert tuple(out for _, out in encoder[:-1]) == shape.hidden
    assert tuple(out for _, out in decoder[:-1]) == shape.hidden[::-1]
    for chain in (encoder, decoder):
        assert all(before[1] == after[0] for before, after in pairwise(chain))


@few
@given(SHAPES, st.integers(0, 4))
def test_shapes_follow_from_the_shape(shape: NetworkShape, n_rows: int) -> None:
    parameters = initial_parameters(shape, np.random.default_rng(0))
    mean, log_variance = encode(np, shape, parameters, np.ones((n_rows, shape.n_inputs), np.float32))
    assert mean.shape == log_variance.shape == (n_rows, shape.n_latent)
    outputs = decode(np, shape, parameters, mean)
    assert outputs.shape == (n_rows, shape.n_outputs)
    assert {array.dtype for array in (mean, log_variance, outputs)} == {np.dtype(np.float32)}


def test_weights_are_drawn_with_glorots_width_and_biases_are_zero() -> None:
    shape = NetworkShape(n_inputs=200, hidden=(100,), n_latent=50, n_outputs=200, is_variational=True)
    parameters = initial_parameters(shape, np.random.default_rng(0))
    assert len(parameters) == 8
    for name, (n_in, n_out) in shape.layers.items():
        weight, bias = parameters[f"{name}_weight"], parameters[f"{name}_bias"]
        assert weight.shape == (n_in, n_out)
        assert weight.dtype == bias.dtype == np.float32
        assert weight.std() == pytest.approx(np.sqrt(2 / (n_in + n_out)), rel=0.02)
        assert np.abs(weight).max() <= np.sqrt(6 / (n_in + n_out)) * (1 + 1e-6)
        assert not bias.any()


def test_the_same_seed_draws_the_same_weights_and_another_draws_others() -> None:
    for name, value in initial_parameters(SHAPE, np.random.default_rng(0)).items():
        np.testing.assert_array_equal(value, PARAMETERS[name])
    other = initial_parameters(SHAPE, np.random.default_rng(1))
    assert all((other[name] != PARAMETERS[name]).any() for name in PARAMETERS if name.endswith("weight"))


def test_the_log_variance_stays_within_its_bound() -> None:
    huge = {name: 1e3 * value for name, value in PARAMETERS.items()}
    mean, log_variance = encode(np, SHAPE, huge, ROWS)
    assert log_variance.min() == -LOG_VARIANCE_BOUND
    assert log_variance.max() == LOG_VARIANCE_BOUND
    assert np.abs(mean).max() > LOG_VARIANCE_BOUND


def test_without_a_log_variance_it_is_zero() -> None:
    shape = replace(SHAPE, is_variational=False)
    _, log_variance = encode(np, shape, initial_parameters(shape, np.random.default_rng(0)), ROWS)
    assert log_variance.shape == (20, 3)
    assert not log_variance.any()


def test_the_results_of_a_row_do_not_depend_on_other_rows() -> None:
    mean, log_variance = encode(np, SHAPE, PARAMETERS, ROWS)
    turned_mean, turned_log_variance = encode(np, SHAPE, PARAMETERS, ROWS[::-1])
    np.testing.assert_allclose(turned_mean[::-1], mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(turned_log_variance[::-1], log_variance, rtol=1e-5, atol=1e-6)
