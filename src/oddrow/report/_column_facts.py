"""The columns of a report: what each brings to the alerts, and the normal rows beside the rows of the table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oddrow.report._column_changes import ColumnComparison, brought, compare_columns
from oddrow.report._row_blocks import MAX_SHADES
from oddrow.report._scored_rows import Indices, ScoredRows
from oddrow.report._triage import ColumnFacts, Distribution, MissingShares, Shade


def compared(rows: ScoredRows, strangest: Indices, *, has_values: bool) -> tuple[ColumnComparison, ...]:
    """Compare the columns of scored rows with the normal rows.

    Parameters
    ----------
    rows, strangest
        The rows, and the indices [k] of those with details. If no row is flagged, these stand for the alerts where
        the share that a column brings is asked.
    has_values
        Whether labels and sentences may hold values.
    """
    alerts = np.flatnonzero(rows.decision.is_odd) if rows.n_alerts else strangest
    brings = brought(rows.scored.column_part[alerts], rows.scored.surprise[alerts])
    calibration = rows.model.calibration
    return compare_columns(
        rows.model,
        rows.table,
        rows.novelty,
        rows.decision.is_odd,
        brings,
        explained=strangest,
        shaded=set(np.argsort(-brings, kind="stable")[:MAX_SHADES].tolist()),
        worth=min(calibration.n_independent / calibration.n_rows, 1.0),
        has_values=has_values,
    )


def column_facts(column: ColumnComparison, *, has_shade: bool) -> ColumnFacts:
    """Return what the page shows of a column; ``has_shade`` says whether the file holds its codes."""
    shares = [_rounded(one) for one in (column.normal, column.current, column.alerts)]
    missing = _rounded((column.missing_normal, column.missing_current))
    return ColumnFacts(
        column.name,
        column.kind,
        column.note or None,
        _shade(column) if has_shade else None,
        Distribution(column.labels, *shares) if column.labels else None,
        MissingShares(*missing),
        column.unseen,
        column.brings,
        column.change,
    )


def _shade(column: ColumnComparison) -> Shade | None:
    if column.shade is None:
        return None
    if column.shade.edges:
        return Shade("number", edges=column.shade.edges)
    return Shade("category", labels=column.shade.labels)


def _rounded(shares: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(f"{share:.5g}") for share in shares)
