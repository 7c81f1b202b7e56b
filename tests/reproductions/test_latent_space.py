import numpy as np
import pytest

from oddrow.reproductions import reproduce_latent_space


@pytest.fixture(scope="module")
def spaces():
    return {space.title: space for space in reproduce_latent_space()}


def neighbours_agree(space) -> float:
    """Share of rows whose nearest other row has the same label."""
    squares = ((space.points[:, None, :] - space.points[None, :, :]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    return float(np.mean(space.labels[np.argmin(squares, axis=1)] == space.labels))


def test_only_kl_gives_a_standard_normal_latent_that_separates_no_digits(spaces):
    space = spaces["only KL divergence"]
    np.testing.assert_allclose(space.points.mean(axis=0), 0.0, atol=0.15)
    np.testing.assert_allclose(space.points.std(axis=0), 1.0, atol=0.15)
    assert neighbours_agree(space) < 0.2


def test_reconstruction_separates_digits_and_spreads_them_far(spaces):
    space = spaces["only reconstruction"]
    assert neighbours_agree(space) > 0.5
    assert space.points.std() > 2 * spaces["both"].points.std()


def test_both_terms_keep_the_digits_within_one_cloud(spaces):
    space = spaces["both"]
    assert neighbours_agree(space) > 0.4
    np.testing.assert_allclose(space.points.std(axis=0), 1.0, atol=0.6)


def test_every_panel_has_a_title_and_a_caption(spaces):
    assert list(spaces) == ["only reconstruction", "only KL divergence", "both"]
    assert all(len(space.caption) > 40 for space in spaces.values())
