"""The scores of all rows of a stream in memory, with their labels and a sample of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.batch._scored_stream import OnProgress, fed, located_errors
from oddrow.exceptions import DataError
from oddrow.files import TableStream
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, RareRows, RowScores
from oddrow.table import as_table, is_normal_row, split_label


@dataclass(frozen=True, eq=False)
class StreamScores:
    """The scores of all rows of a stream, with labels and a sample of the rows.

    Attributes
    ----------
    surprise : float64 [n], nats; with windows, n counts the rows at which a window ends, here and below
    decision : the decision on all rows
    is_normal : bool [n]; bool [0] without a label
    sample : table of k evenly spaced rows, in order, without the label
    sampled : int [k], numbers of these rows
    """

    surprise: npt.NDArray[np.float64]
    decision: Decision
    is_normal: npt.NDArray[np.bool_]
    sample: pa.Table
    sampled: npt.NDArray[np.int64]


def stream_scores(
    model: FittedModel,
    stream: TableStream,
    label: tuple[str, str] | None = None,
    max_sampled: int = 0,
    on_progress: OnProgress | None = None,
) -> StreamScores:
    """Score a stream, and decide by the model's own policy; it takes about 30 bytes of memory per row.

    Parameters
    ----------
    model, stream
        The fitted model, and the rows.
    label
        The column of the labels, and its value for normal rows; None without labels.
    max_sampled
        Maximum number of rows in the sample.
    on_progress
        See :data:`OnProgress`.

    Raises
    ------
    DataError
        If there is no such label, or if no window ends in the stream.
    SchemaMismatchError
        If the model cannot score a row; the message names its file and line.
    """
    step, start = max(1, -(-stream.n_rows // max(max_sampled, 1))), 0
    model = model.dated()
    scores, matched, is_normal, sample, rare = [], [], [], [], RareRows()
    run, n_read = None if model.preparation is None else model.preparation.begin(), 0
    for located in stream.located():
        table = pa.Table.from_batches([located.rows])
        if label is not None:
            is_normal.append(is_normal_row(table, *label))
            table = table.drop_columns([label[0]])
        raw = table
        if run is not None:
            prepared = fed(run, located, as_table(table, reads=set(model.sources).__contains__))
            table = prepared.table
            is_normal = [*is_normal[:-1], *(labelled[prepared.row] for labelled in is_normal[-1:])]
            raw = raw.take(pa.array(prepared.row))
        with located_errors(model, located):
            scored = model.score(table)
        scores.append(model.row_scores(scored.surprise, scored.p_value, raw))
        matched.append(model.matched_rules(scored, scores[-1], table, model.policy))
        rare += model.rare_rows(scored)
        sample.append(table.take(np.arange(-start % step, table.num_rows if max_sampled else 0, step)))
        start += table.num_rows
        n_read += located.rows.num_rows
        if on_progress is not None:
            on_progress(n_read, stream.n_rows)
    if label is not None and not any(normal.any() for normal in is_normal):
        split_label(pa.Table.from_batches([next(iter(stream))]), *label)  # raises the error, which names the labels
    if run is not None and not start:
        raise DataError(f"{stream.label}: no full window ends in it, so none of its rows has a score")
    joined = RowScores.joined(scores)
    rules = [part for part in matched if part is not None]
    decision = model.decide_scores(joined, model.policy, np.concatenate(rules) if rules else None)
    return StreamScores(
        joined.surprise,
        model.noted(decision, rare),
        np.concatenate([np.zeros(0, np.bool_), *is_normal]),
        pa.concat_tables(sample),
        np.arange(0, start if max_sampled else 0, step),
    )
