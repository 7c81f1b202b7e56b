"""The constants that define a score: they travel with the fitted model, so that a later version scores as this one."""

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

    A fit takes the defaults. A fitted model carries the instance that it was fitted with, a model file holds it, and
    no code that scores or learns reads any other. The bounds of each keep every score finite, whatever the row.

    Attributes
    ----------
    min_log_variance, max_log_variance : bounds of the decoder's log-variance, in standardised units. The lower one, a
        tenth of a deviation, keeps the density of a column that repeats exactly finite, and narrow noise from being
        taken for a signal
    power : exponent, with opposite sign, of the power mean that combines tail probabilities of columns and of views
    marginal_power : the same for the views *marginal* and *dependence*, where a single column matters more
    max_nats : largest surprise of one column or one view, in nats: its exponential is finite
    max_scale_knots : most knots of the tail curve of a column or a view
    min_scale_shape : smallest shape of such a curve's tail: beyond the rows that it was learned from it grows as a
        logarithm, so that no view outvotes all others by extrapolation
    max_curve_knots : most knots of a feature's curve in a space, and of its curve of rarity
    straight_tolerance : a curve that departs from its chord by no larger share of its rise is a straight line
    memory_rows : most remembered rows: scoring costs three products with them
    candidate_rows : most training rows among which distinct ones are sought
    max_copied_share : where no larger share of the training rows has a duplicate, a row that equals a remembered one
        is taken for that very row
    neighbours : nearest remembered rows that tell the density of the memory around a row
    tie_tolerance : two distances are equal if they differ by no larger share of the squares they come from
    min_reach : added to every mean distance, as a share of their median, so that no ratio divides by zero
    min_whitened_variance : least variance of a direction of the latent space, as a share of the largest
    min_latent_variance : a latent space with a smaller largest variance holds nothing
    min_unit : a spread of several fits' values that is no larger is replaced by 1
    max_counted_values : a feature of no more distinct values has a frequency for each, any other has a density
    density_neighbours : the density at a value is estimated from its distance to this many nearest values
    max_codes : most codes of a number in the tables of the view *dependence*
    search_codes : codes of each part while the most informative other part is sought
    search_rows : most training rows in that search
    search_parts : most parts among which it is sought; of more, a random sample
    isolation_sample_rows, isolation_samples : rows of a random sample, and samples, in the evidence of isolation
    isolation_weight : weight of isolation in a table of numbers, where all views together have 1
    kind_quantile : quantile at which the scores of two kinds of rows are compared: in the upper tail, below the odd
        rows that a kind may hold
    tail_share : share of the calibration scores that the tail is fitted to
    min_tail_rows : a tail is fitted to no fewer excesses
    min_tail_shape, max_tail_shape : bounds of the shape of the generalised Pareto tail
    max_tail_distance : largest sqrt(m) times the Kolmogorov-Smirnov distance of m excesses to their Pareto tail.
        Exceeded in about 1 % of samples that do come from such a tail (by simulation, 10 to 1,000 excesses, shapes
        0.05 to 0.6)
    rounding : two scores that differ by no larger share are the same score
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
            If one is not finite or out of its bounds, or two bounds are in the wrong order.
        """
        for each in fields(self):
            value, (low, high) = getattr(self, each.name), each.metadata["bounds"]
            if not (math.isfinite(value) and low <= value <= high):
                raise ModelFileError(f"the constant {each.name!r} is {value!r:.40}, and not from {low:g} to {high:g}")
        if self.min_tail_shape > self.max_tail_shape:
            raise ModelFileError("the constant 'min_tail_shape' is above 'max_tail_shape'")


DEFAULT_CONSTANTS = ScoringConstants()
"""The constants of a fit of this version."""
