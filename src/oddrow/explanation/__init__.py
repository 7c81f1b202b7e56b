"""Columns get the blame."""

from oddrow.explanation._kept_parts import JobIdentity, KeptParts
from oddrow.explanation._one_row import RowOfStream, explain_row
from oddrow.explanation._reasons import (
    COMBINATION,
    LEAST_SHARE,
    Explanation,
    Reason,
    expected_values,
    explain,
    reason_text,
    usual_cell,
    value_text,
)
from oddrow.explanation._scored_batches import scored_batches
from oddrow.explanation._scored_stream import ScoredPart, scored_parts
from oddrow.explanation._scored_table import ScoredTable, scored_table, shown
from oddrow.explanation._scoring_job import ScoringCount, ScoringOptions, score_stream
from oddrow.explanation._stream_scores import StreamScores, stream_scores

__all__ = [
    "COMBINATION",
    "LEAST_SHARE",
    "Explanation",
    "JobIdentity",
    "KeptParts",
    "Reason",
    "RowOfStream",
    "ScoredPart",
    "ScoredTable",
    "ScoringCount",
    "ScoringOptions",
    "StreamScores",
    "expected_values",
    "explain",
    "explain_row",
    "reason_text",
    "score_stream",
    "scored_batches",
    "scored_parts",
    "scored_table",
    "shown",
    "stream_scores",
    "usual_cell",
    "value_text",
]
