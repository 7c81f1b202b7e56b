"""Rows get surprise and a tail probability, in NumPy alone."""

from oddrow.scoring._blocks import BLOCK_ROWS, in_blocks
from oddrow.scoring._calibration import Calibration, TailCurve
from oddrow.scoring._fitted import FittedModel, LatentProjection
from oddrow.scoring._likelihood import FeatureRange, RowLikelihood
from oddrow.scoring._memory import Memory
from oddrow.scoring._surprise import (
    Evidence,
    EvidenceModel,
    ReconstructionEvidence,
    Surprise,
    SurpriseModel,
    ViewEvidence,
)
from oddrow.scoring._threshold import (
    Threshold,
    checked_contamination,
    false_alarm_threshold,
    training_share_threshold,
)

__all__ = [
    "BLOCK_ROWS",
    "Calibration",
    "Evidence",
    "EvidenceModel",
    "FeatureRange",
    "FittedModel",
    "LatentProjection",
    "Memory",
    "ReconstructionEvidence",
    "RowLikelihood",
    "Surprise",
    "SurpriseModel",
    "TailCurve",
    "Threshold",
    "ViewEvidence",
    "checked_contamination",
    "false_alarm_threshold",
    "in_blocks",
    "training_share_threshold",
]
