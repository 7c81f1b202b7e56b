"""Limits of every encoding, within which all results from its features are finite and fit into memory."""

from __future__ import annotations

from oddrow.exceptions import ModelFileError

MAX_COLUMNS = 10_000
MAX_FEATURES = 100_000
MAX_ENCODED = 1e10
"""Bound of the magnitude of an encoded feature: outside the training range a feature grows as a logarithm."""


def check_width(n_columns: int, n_features: int) -> None:
    """Refuse a table that is wider than a model file allows, before an array of its width is allocated."""
    if n_columns > MAX_COLUMNS or n_features > MAX_FEATURES:
        raise ModelFileError(
            f"the table has {n_columns:,} columns and {n_features:,} features; a model file holds at most "
            f"{MAX_COLUMNS:,} and {MAX_FEATURES:,}"
        )
