"""The method of a detector that makes a triage report. The function is a method of both estimators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from oddrow.detector._detector import Detector
from oddrow.detector._tables import table_to_score
from oddrow.policies import Policy, check_policy
from oddrow.report import ReportOptions, TriageReport, triage
from oddrow.table import as_table


def report(
    self: Detector,
    X: Any,
    path: str | Path | None = None,
    *,
    label: str | None = None,
    normal: object = None,
    ids: Sequence[str] = (),
    show_values: bool = True,
    policy: Policy | None = None,
    name: str = "table",
    force: bool = False,
) -> TriageReport:
    """Make a triage report of rows: one page with the alerts, their reasons and kinds, that opens in any browser.

    Parameters
    ----------
    X
        The rows [n, ...]. Columns that the detector does not know are ignored, apart from ``label`` and ``ids``.
    path
        Where the page is written; None writes nothing.
    label, normal
        The column that says which rows are normal, and its value for them; None without labels.
    ids
        Columns that name a row: the page shows them, and nothing is learned from them.
    show_values
        Whether the page holds values of the table. Without them it has names of columns and numbers of rows only.
    policy
        The policy that decides; None for the detector's own.
    name
        What the page calls the table.
    force
        Whether an existing file is replaced.

    Returns
    -------
    The report, which ``save`` writes to a file.

    Raises
    ------
    SettingError
        If the calibration cannot support the policy's promise, or the table has no column of ``ids``.
    DataError
        If there is no such label, or no row has the value ``normal``.
    OutputError
        If the file exists and ``force`` is not set, or cannot be written.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(500, 2))
    >>> detector = oddrow.VAEDetector(random_state=0).fit(rows)
    >>> detector.report(rows + 1, policy=oddrow.FixedSurprise(9.0)).summary.table.rows
    500
    """
    table = table_to_score(self, X)
    if policy is not None:
        check_policy(policy, self.model_.calibration)
    options = ReportOptions(
        table_name=name,
        label=label,
        normal=None if normal is None else str(normal),
        ids=ids,
        has_values=show_values,
        policy=policy,
        settings={"settings": str(self.settings), "seed": str(self.random_state)},
    )
    made = TriageReport(
        triage(self.model_, _with_shown(table, X, {*ids, *([] if label is None else [label])}), options)
    )
    if path is not None:
        made.save(path, force=force)
    return made


def _with_shown(table: pa.Table, X: Any, shown: set[str]) -> pa.Table:
    """Return the table with the values of columns that the detector does not read, and that the report needs."""
    if not shown & set(table.column_names):
        return table
    read = as_table(X, reads=shown.__contains__)
    for place, name in enumerate(table.column_names):
        if name in shown and name in read.column_names:
            table = table.set_column(place, name, read.column(name))
    return table
