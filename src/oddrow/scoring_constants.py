"""The constants that define a score; a model file holds them, so that a later version computes the same scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from oddrow.exceptions import ModelFileError


def _number(default: float, low: float, high: float) -> float:
    number: float = field(default=default, metadata={"bounds": (low, high)})
    return number


def _count(default: int, low: int, high: int) -> int:
    count: int = field(default=default, metadata={"bounds": (low, high)})
    return count


@dataclass(frozen=True)
class ScoringConstants:
    """All constants of the density, the views, their combination and the calibration.

    A fit uses the defaults. A fitted model and its file hold the instance used in the fit, and no code that scores or
    learns reads constants from elsewhere. Within the bounds of each constant, the score of every row is finite.

    Attributes
    ----------
    min_log_variance, max_log_variance : bounds of the decoder's log-variance, in standardised units. The lower bound
        is a standard deviation of 0.1: the density of a column of equal values stays finite, and differences smaller
        than that count as noise
    power : the exponent of the power mean that combines tail probabilities of columns and of views is -power
    marginal_power : the same for the views *marginal* and *dependence*, where a single column has more influence
    max_nats : largest surprise of one column or one view, in nats, so that its exponential is finite
    max_scale_knots : largest number of knots of the tail curve of a column or a view
    min_scale_shape : smallest shape of the tail of these curves. With a positive shape the curve grows as a logarithm
        beyond the scores it was learned from, so that extrapolation cannot let one view dominate the others
    max_curve_knots : largest number of knots of a feature's curve in a space, and of its rarity curve
    straight_tolerance : a curve is a straight line if it departs from its chord by at most this share of its rise
    memory_rows : largest number of remembered rows; each space and each subset of columns is searched among them
    candidate_rows : largest number of training rows that are searched for distinct rows
    max_copied_share : if at most this share of the training rows has a duplicate, a scored row that equals a
        remembered row is taken to be that training row
    neighbours : number of nearest remembered rows from which the density of the memory around a row is estimated
    tie_tolerance : two distances are equal if they differ by at most this share of the squares they are computed from
    min_reach : added to every mean distance, as a share of their median, so that no ratio divides by zero
    min_whitened_variance : smallest variance of a direction of the latent space, as a share of the largest
    min_latent_variance : a latent space whose largest variance is smaller has collapsed and is not used
    min_unit : a spread of the values of several fits that is at most this large is replaced by 1
    max_counted_values : a feature of at most this many distinct values has a frequency for each; any other feature
        has a density
    density_neighbours : number of nearest values from whose distance the density at a value is estimated
    max_codes : largest number of codes of a number in the tables of the view *dependence*
    search_codes : number of codes of each variable in the search for the most informative other variable
    search_rows : largest number of training rows in that search
    search_parts : largest number of variables in that search; from more variables a random sample is drawn
    random_subsets, related_subsets : number of subsets of the columns in the views of these names
    min_subset_share, max_subset_share : a subset has a share of the columns that is drawn between these bounds
    subset_rows : largest number of training rows from which the curve of each subset is learned
    isolation_sample_rows, isolation_samples : rows in a random sample, and number of samples, in the isolation score
    isolation_weight : weight of isolation in a table of numbers; all views together have the weight 1
    kind_quantile : quantile at which the scores of two kinds of rows are compared. It lies in the upper tail, below
        the scores of the few anomalies that a kind may contain
    tail_share : share of the calibration scores to which the tail is fitted
    min_tail_rows : smallest number of excesses to which a tail is fitted
    min_tail_shape, max_tail_shape : bounds of the shape of the generalised Pareto tail
    max_tail_distance : largest sqrt(m) times the Kolmogorov-Smirnov distance of m excesses to their Pareto tail.
        About 1 % of samples from a Pareto tail exceed it (by simulation, 10 to 1,000 excesses, shapes 0.05 to 0.6)
    rounding : two scores are equal if their relative difference is at most this
    """

    min_log_variance: float = _number(-4.605170185988091, -20.0, 0.0)
    max_log_variance: float = _number(4.605170185988092, 0.0, 20.0)
    power: float = _number(0.25, 0.01, 1.0)
    marginal_power: float = _number(0.5, 0.01, 1.0)
    max_nats: float = _number(600.0, 1.0, 600.0)
    max_scale_knots: int = _count(256, 2, 65_536)
    min_scale_shape: float = _number(0.3, 0.01, 10.0)
    max_curve_knots: int = _count(256, 4, 65_536)
    straight_tolerance: float = _number(1e-6, 0.0, 0.1)
    memory_rows: int = _count(10_000, 2, 1_000_000)
    candidate_rows: int = _count(65_536, 2, 100_000_000)
    max_copied_share: float = _number(0.05, 0.0, 1.0)
    neighbours: int = _count(10, 1, 1_000)
    tie_tolerance: float = _number(1e-11, 0.0, 0.01)
    min_reach: float = _number(0.05, 1e-6, 1e3)
    min_whitened_variance: float = _number(0.01, 1e-6, 1.0)
    min_latent_variance: float = _number(1e-9, 1e-12, 1.0)
    min_unit: float = _number(1e-6, 1e-12, 1.0)
    max_counted_values: int = _count(20, 2, 1_000)
    density_neighbours: int = _count(10, 1, 1_000)
    max_codes: int = _count(20, 2, 64)
    search_codes: int = _count(6, 2, 64)
    search_rows: int = _count(4_096, 2, 1_000_000)
    search_parts: int = _count(1_000, 1, 100_000)
    random_subsets: int = _count(2, 1, 1_000)
    related_subsets: int = _count(3, 1, 1_000)
    min_subset_share: float = _number(0.3, 0.0, 1.0)
    max_subset_share: float = _number(0.7, 0.0, 1.0)
    subset_rows: int = _count(2_000, 1, 100_000_000)
    isolation_sample_rows: int = _count(16, 2, 1_000)
    isolation_samples: int = _count(100, 1, 10_000)
    isolation_weight: float = _number(3.0, 0.0, 1e3)
    kind_quantile: float = _number(0.95, 0.6, 0.999)
    tail_share: float = _number(0.1, 0.001, 0.9)
    min_tail_rows: int = _count(10, 2, 1_000_000)
    min_tail_shape: float = _number(0.05, 0.01, 0.9)
    max_tail_shape: float = _number(0.9, 0.01, 0.9)
    max_tail_distance: float = _number(1.3, 0.0, 1e3)
    rounding: float = _number(1e-12, 0.0, 1e-3)

    def check(self) -> None:
        """Refuse constants with which the score of some row could not be computed or would not be finite.

        Raises
        ------
        ModelFileError
            If a constant is not finite or lies outside its bounds, or if a smallest value exceeds its largest value.
        """
        for each in fields(self):
            value, (low, high) = getattr(self, each.name), each.metadata["bounds"]
            if not (math.isfinite(value) and low <= value <= high):
                raise ModelFileError(f"the constant {each.name!r} is {value!r:.40}; it must lie in [{low:g}, {high:g}]")
        if self.min_tail_shape > self.max_tail_shape:
            raise ModelFileError("the constant 'min_tail_shape' is above 'max_tail_shape'")
        if self.min_subset_share > self.max_subset_share:
            raise ModelFileError("the constant 'min_subset_share' is above 'max_subset_share'")


DEFAULT_CONSTANTS = ScoringConstants()
"""The constants that a fit of this version uses."""
