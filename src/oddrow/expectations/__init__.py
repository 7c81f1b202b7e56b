"""Expectations: the usual values of each column, given the values of other columns of the row."""

from oddrow.expectations._expectations import Expectations, Statistic, Subject, n_given_codes, subjects_of

__all__ = [
    "Expectations",
    "Statistic",
    "Subject",
    "n_given_codes",
    "subjects_of",
]
