"""The scores of all rows of a stream in memory, with their labels and some of the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.batch._scored_stream import OnProgress, located_errors
from oddrow.files import TableStream
from oddrow.fitted import FittedModel
from oddrow.policies import Decision, RareRows, RowScores
from oddrow.table import is_normal_row, split_label


@dataclass(frozen=True, eq=False)
class StreamScores:
    """What a stream's rows have been found to be.

    Attributes
    ----------
    surprise : float64 [n], nats
    decision : on these rows
    is_normal : bool [n]; of no row without a label
    sample : every so many rows of the table, in order, without the label
    sampled : int [k], which rows these are
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
    most_sampled: int = 0,
    on_progress: OnProgress | None = None,
) -> StreamScores:
    """Score a stream by the model's own policy; of the rows some ``most_sampled`` are kept, of each some 30 bytes.

    ``label`` is the column that tells which rows are normal, and its value for these.

    Raises
    ------
    DataError, SchemaMismatchError
        If there is no such label, or a row cannot be judged, which names its file and line.
    """
    step, start = max(1, -(-stream.n_rows // max(most_sampled, 1))), 0
    scores, is_normal, sample, rare = [], [], [], RareRows()
    for located in stream.located():
        table = pa.Table.from_batches([located.rows])
        if label is not None:
            is_normal.append(is_normal_row(table, *label))
            table = table.drop_columns([label[0]])
        with located_errors(model, located):
            scored = model.score(table)
        scores.append(model.row_scores(scored.surprise, scored.p_value, table))
        rare += model.rare_rows(scored)
        sample.append(table.take(np.arange(-start % step, table.num_rows if most_sampled else 0, step)))
        start += table.num_rows
        if on_progress is not None:
            on_progress(start, stream.n_rows)
    if label is not None and not any(normal.any() for normal in is_normal):
        split_label(pa.Table.from_batches([next(iter(stream))]), *label)  # says which labels there are instead
    joined = RowScores.joined(scores)
    return StreamScores(
        joined.surprise,
        model.noted(model.policy.decide(joined, model.calibration), rare),
        np.concatenate([np.zeros(0, np.bool_), *is_normal]),
        pa.concat_tables(sample),
        np.arange(0, start if most_sampled else 0, step),
    )
