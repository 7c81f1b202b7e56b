"""From the views' evidence to the surprise of a row."""

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
    "Surprise",
    "SurpriseModel",
    "ViewEvidence",
]
