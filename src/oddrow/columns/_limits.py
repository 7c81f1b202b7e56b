"""Limits that every encoding keeps to, so that what is made of its features stays finite and within memory."""

from __future__ import annotations

from oddrow.exceptions import ModelFileError

MAX_COLUMNS = 10_000
MAX_FEATURES = 100_000
MAX_ENCODED = 1e10
"""Magnitude of an encoded feature: outside its training range a feature grows as a logarithm."""


def check_width(n_columns: int, n_features: int) -> None:
    """Refuse a table wider than a model file holds, before anything is made of its width."""
    if n_columns > MAX_COLUMNS or n_features > MAX_FEATURES:
        raise ModelFileError(
            f"{n_columns:,} columns and {n_features:,} features; a model file holds at most {MAX_COLUMNS:,} "
            f"and {MAX_FEATURES:,}"
        )
