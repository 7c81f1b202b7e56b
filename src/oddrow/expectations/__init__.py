"""Expectations: the usual values of each column, given the values of other columns of the row."""

from oddrow.expectations._expectations import Expectations
from oddrow.expectations._subjects import Statistic, Subject

__all__ = [
    "Expectations",
    "Statistic",
    "Subject",
]
