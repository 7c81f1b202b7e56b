"""Scoring of tables, files and streams in order, with a quarantine for rows left out, and resumable jobs."""

from oddrow.batch._kept_parts import KeptParts, scoring_identity
from oddrow.batch._one_row import RowOfStream, explain_row
from oddrow.batch._scored_batches import scored_batches
from oddrow.batch._scored_table import scored_table, shown, with_scores
from oddrow.batch._scoring_job import ScoringCount, ScoringOptions, score_stream
from oddrow.batch._stream_scores import stream_scores

__all__ = [
    "KeptParts",
    "RowOfStream",
    "ScoringCount",
    "ScoringOptions",
    "explain_row",
    "score_stream",
    "scored_batches",
    "scored_table",
    "scoring_identity",
    "shown",
    "stream_scores",
    "with_scores",
]
