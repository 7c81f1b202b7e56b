"""What ``find`` returns: the rows of a table with their scores, and the strangest ones with their reasons."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow._notebook import panel, show
from oddrow.detector._batch_evidence import BatchEvidence
from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
from oddrow.exceptions import SettingError
from oddrow.explanation import Explanation, reasons_text
from oddrow.fitted import FittedModel
from oddrow.fitting import Cleaning
from oddrow.policies import Decision, Promise
from oddrow.report import ReportOptions, TriageReport, triage_of_folds

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
    models: tuple[FittedModel, ...] = field(default=(), repr=False)
    index: Any = None

    def __repr__(self) -> str:
        strangest = "".join(f"\n  {explanation!r}" for explanation in self.strangest[:SHOWN])
        more = len(self.strangest) - SHOWN
        rest = f"\n  and {more:,} more explained" if more > 0 else ""
        whole = "" if self.batch is None else f"; {self.batch}"
        return f"<Found: {self._counts}; {self.promise}{whole}{strangest}{rest}>"

    def _repr_html_(self) -> str:
        rows = [
            (
                f"{one.row:,}" if one.index is None else str(one.index),
                f"{one.surprise:.2f}",
                f"{one.p_value:.2g}",
                "odd" if one.is_odd else "",
                reasons_text(one),
            )
            for one in self.strangest
        ]
        row = "row" if self.index is None else "index"
        headings = (row, "surprise (nats)", "p-value", "", "reasons (what is usual) and their share")
        notes = () if self.note is None else (f"Note: {self.note}",)
        return panel(f"Found: {self._counts}", [f"Promise: {self.promise}", *notes, *self.notes], headings, rows)

    def show(self) -> None:
        """Show the strangest rows with their reasons: as HTML in a notebook, else as text on standard output."""
        show(self)

    def to_pandas(self) -> Any:
        """Return :attr:`scored` as a pandas data frame, with the index of the data frame in which rows were found.

        pandas must be installed.
        """
        frame = self.scored.to_pandas()
        return frame if self.index is None else frame.set_axis(self.index, axis="index")

    def report(
        self,
        path: str | Path | None = None,
        *,
        label: str | None = None,
        normal: object = None,
        ids: Sequence[str] = (),
        show_values: bool = True,
        name: str = "table",
        force: bool = False,
    ) -> TriageReport:
        """Make a triage report of the rows: one page that opens in any browser, see :meth:`VAEDetector.report`.

        Surprise, p-values and decisions are those of this result. The first fold's model stands for all where the page
        shows one: its calibration, its learning curve and its latent space.

        Raises
        ------
        SettingError
            If rows were found with ``normal``: no model that the page could show gives these scores.
        """
        if not self.models:
            raise SettingError(
                "what find returns with normal rows has no report: the page shows scores of models, and normal rows "
                "add what the whole table says. Find with keep=True, then: found.detector.report(table)"
            )
        table = self.scored.select(self.scored.column_names[: self.scored.column_names.index("surprise")])
        decision = Decision(self.is_odd, _threshold(self.models[0]), self.promise, self.note)
        options = ReportOptions(
            table_name=name,
            label=label,
            normal=None if normal is None else str(normal),
            ids=ids,
            has_values=show_values,
            command=f"oddrow find {shlex.quote(name)}",
        )
        report = TriageReport(triage_of_folds(self.models, self.fold, table, lambda _: decision, options))
        if path is not None:
            report.save(path, force=force)
        return report

    @property
    def _counts(self) -> str:
        share = f"{self.cleaning.share:.2%} stand out, 95 %: {self.cleaning.low:.2%} to {self.cleaning.high:.2%}"
        return f"{int(np.sum(self.is_odd)):,} of {self.scored.num_rows:,} rows odd ({share})"

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


def _threshold(model: FittedModel) -> float:
    threshold = model.threshold
    return np.inf if threshold is None else threshold
