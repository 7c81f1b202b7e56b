"""The values that the other columns of a row make likely."""

from oddrow.expectations._expectations import Expectations
from oddrow.expectations._subjects import Statistic, Subject

__all__ = [
    "Expectations",
    "Statistic",
    "Subject",
]
