"""The values that the other columns of a row make likely."""

from oddrow.expectations._expectations import Expectations, Statistic, Subject, n_given_codes, subjects_of

__all__ = [
    "Expectations",
    "Statistic",
    "Subject",
    "n_given_codes",
    "subjects_of",
]
