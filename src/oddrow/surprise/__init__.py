"""From the views' evidence to the surprise of a row."""

from oddrow.surprise._reweighting import Reweighting, ScoreParts, kept_rows
from oddrow.surprise._surprise import (
    EvidenceModel,
    IsolationEvidence,
    ReconstructionEvidence,
    Surprise,
    SurpriseModel,
    ViewEvidence,
)

__all__ = [
    "EvidenceModel",
    "IsolationEvidence",
    "ReconstructionEvidence",
    "Reweighting",
    "ScoreParts",
    "Surprise",
    "SurpriseModel",
    "ViewEvidence",
    "kept_rows",
]
