"""What ``find`` returns: the rows of a table with their scores, and the strangest ones with their reasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.detector._batch_evidence import BatchEvidence
from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
from oddrow.explanation import Explanation
from oddrow.fitting import Cleaning
from oddrow.policies import Promise

SHOWN = 3
"""Number of explanations that ``repr`` shows."""


@dataclass(frozen=True, eq=False)
class Found:
    """The odd rows of a table.

    Attributes
    ----------
    scored : the table's rows in order, with ``surprise``, ``p_value``, ``is_odd`` and, with ``explain_all``, the
        strongest reasons of each
    strangest : the strangest rows, strangest first, each with its reasons and its index in the table, from 0
    cleaning : the estimated share of odd rows, with its interval; with ``normal``, that of ``batch``
    fold : int [n], the fold in which each row was scored, by a model of all other folds; with ``normal``, 0
    promise : the promise of ``is_odd``, by the calibration of one fold; the other folds have the same number of
        calibration rows, or one more or less
    note : if more rows are flagged than the estimate of odd rows and the promise together allow, a sentence that states
        this and names the columns; else None
    detector : with ``keep``, a detector fitted on the whole table; its scores of these rows are not cross-fitted
    notes : sentences about columns with special treatment, for example columns that were left out, and with ``normal``
        about the comparison of the whole table
    batch : with ``normal``, what the table as a whole says: the estimated share of odd rows, and whether it counts in
        the scores; else None
    """

    scored: pa.Table
    strangest: tuple[Explanation, ...]
    cleaning: Cleaning
    fold: npt.NDArray[np.int64]
    promise: Promise
    note: str | None
    detector: VAEDetector | AutoencoderDetector | None
    notes: tuple[str, ...] = ()
    batch: BatchEvidence | None = None

    def __repr__(self) -> str:
        odd, n_rows = int(np.sum(self.is_odd)), self.scored.num_rows
        share = f"{self.cleaning.share:.2%} stand out, 95 %: {self.cleaning.low:.2%} to {self.cleaning.high:.2%}"
        strangest = "".join(f"\n  {explanation!r}" for explanation in self.strangest[:SHOWN])
        more = len(self.strangest) - SHOWN
        rest = f"\n  and {more:,} more explained" if more > 0 else ""
        whole = "" if self.batch is None else f"; {self.batch}"
        return f"<Found: {odd:,} of {n_rows:,} rows odd ({share}); {self.promise}{whole}{strangest}{rest}>"

    @property
    def surprise(self) -> npt.NDArray[np.float64]:
        """Surprise of each row in nats, by a model without it, float64 [n]; higher is stranger."""
        return np.asarray(self.scored.column("surprise").to_numpy())

    @property
    def p_value(self) -> npt.NDArray[np.float64]:
        """Conformal p-value of each row, float64 [n], by the held-out rows of its model."""
        return np.asarray(self.scored.column("p_value").to_numpy())

    @property
    def is_odd(self) -> npt.NDArray[np.bool_]:
        """Whether the detector's policy finds the row odd, bool [n]."""
        return np.asarray(self.scored.column("is_odd").to_numpy(zero_copy_only=False))
