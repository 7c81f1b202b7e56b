"""The derived columns of windows, from rows that are sorted by entity and time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from oddrow.sequences._durations import TICKS_PER_SECOND
from oddrow.sequences._event_codes import MISSING
from oddrow.sequences._window_columns import EventColumn, NumberColumn, WindowColumns
from oddrow.sequences._window_ends import SortedRows, Whole
from oddrow.sequences._window_statistics import WindowRows, number_statistics, window_counts, window_distinct
from oddrow.table import Floats


def derived_columns(
    columns: WindowColumns, rows: SortedRows, values: Floats, windows: WindowRows, *, by_time: bool
) -> dict[str, pa.Array]:
    """Return the derived columns of m windows by name, in their order.

    Parameters
    ----------
    columns
        What is derived.
    rows, values
        The rows, and float64 [k, n] the numbers, NaN where missing, and then the codes of events.
    windows
        The windows of these rows.
    by_time
        Whether trends are per second instead of per row.
    """
    n_numbers = len(columns.numbers)
    derived = _of_numbers(columns.numbers, values[:n_numbers], rows.ticks if by_time else None, windows)
    derived |= _of_events(columns.events, values[n_numbers:], windows)
    of_time = {
        "since": rows.since[windows.end] / TICKS_PER_SECOND,
        "duration": (rows.ticks[windows.end] - rows.ticks[windows.start]) / TICKS_PER_SECOND,
        "rows": windows.length,
    }
    return derived | {f"{columns.time}.{name}": pa.array(of_time[name]) for name in columns.time_features}


def _of_numbers(
    columns: Sequence[NumberColumn], values: Floats, ticks: Whole | None, windows: WindowRows
) -> dict[str, pa.Array]:
    statistics = number_statistics(values, ticks, windows)
    statistics["last"] = values[:, windows.end]
    statistics["missing"] = window_counts(np.isnan(values), windows) / windows.length
    derived = {}
    for place, column in enumerate(columns):
        for name in column.features:
            derived[f"{column.name}.{name}"] = pa.array(statistics[name][place], from_pandas=True)
        for lag in column.lags:
            is_inside = windows.length > lag
            before = np.where(is_inside, values[place, windows.end - np.where(is_inside, lag, 0)], np.nan)
            derived[f"{column.name}.lag{lag}"] = pa.array(before, from_pandas=True)
    return derived


def _of_events(columns: Sequence[EventColumn], codes: Floats, windows: WindowRows) -> dict[str, pa.Array]:
    derived = {}
    present = codes != MISSING
    is_wanted = ["distinct" in column.features for column in columns]
    distinct = np.zeros((len(codes), len(windows.start)), np.int64)
    distinct[is_wanted] = window_distinct(codes[is_wanted], present[is_wanted], windows)
    for place, column in enumerate(columns):
        counted = [column.types.index(name) for name in column.counted]
        flags = np.stack([*(codes[place] == code for code in counted), codes[place] >= len(column.types)])
        counts = window_counts(flags, windows)
        for name, count in zip(column.counted, counts, strict=False):
            derived[f"{column.name}={name}"] = pa.array(count)
        of_column = {
            "other": counts[-1],
            "missing": window_counts(~present[place : place + 1], windows)[0] / windows.length,
            "distinct": distinct[place],
        }
        derived |= {f"{column.name}.{name}": pa.array(of_column[name]) for name in column.features}
    return derived
