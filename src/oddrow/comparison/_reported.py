"""The triage report of a comparison: the test rows of the first split, scored by the first of oddrow's detectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.comparison._methods import Detector, DetectorMethod, Method, MethodRows, Scorer
from oddrow.exceptions import SettingError
from oddrow.report import TriageReport

NORMAL, ANOMALY = "normal", "anomaly"


@dataclass
class RememberingMethod:
    """One of oddrow's detectors as a method that keeps the detector that it fitted.

    Attributes
    ----------
    method : the method
    detector : what its last fit gave; None before a fit, and after one that failed
    """

    method: DetectorMethod
    detector: Detector | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.method.name

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        """Fit a detector, and keep it."""
        scorer = self.method.fit(rows, seed)
        self.detector = scorer.detector
        return scorer


def reported_method(methods: Sequence[Method]) -> RememberingMethod:
    """Return the first of oddrow's detectors among the methods.

    Raises
    ------
    SettingError
        If there is none: a report needs reasons, which no other method gives.
    """
    for method in methods:
        if isinstance(method, DetectorMethod):
            return RememberingMethod(method)
    raise SettingError("a report needs one of oddrow's detectors among the methods; add oddrow")


def report_of_split(
    detector: Detector, test: pa.Table, is_anomaly: npt.NDArray[np.bool_], numbers: npt.NDArray[np.int64], name: str
) -> TriageReport:
    """Return the report of the test rows of a split.

    Parameters
    ----------
    detector
        What was fitted to the training rows.
    test, is_anomaly
        The test rows [n, ...], and their labels.
    numbers
        int64 [n], their numbers in the whole table, from 1; the report shows them in a column "row in table".
    name
        What the report calls the table.
    """
    label, number = (_free(wanted, test) for wanted in ("label", "row in table"))
    texts = np.where(is_anomaly, ANOMALY, NORMAL)
    table = test.append_column(label, pa.array(texts)).append_column(number, pa.array(numbers))
    return detector.report(table, label=label, normal=NORMAL, ids=[number], name=name)


def _free(name: str, table: pa.Table) -> str:
    while name in table.column_names:
        name += "_"
    return name
