"""The estimators with the interface of scikit-learn, the same detector without it, and ``find``.

scikit-learn takes long to import, so the names are imported when they are first used (PEP 562).
"""

from typing import TYPE_CHECKING

from oddrow._lazy_exports import lazy_exports

if TYPE_CHECKING:
    from oddrow.detector._estimators import AutoencoderDetector, VAEDetector
    from oddrow.detector._feedback import feedback_taken
    from oddrow.detector._find import FIND_FOLDS, find
    from oddrow.detector._found import Found
    from oddrow.detector._plain_detector import PlainDetector

__all__ = [
    "FIND_FOLDS",
    "AutoencoderDetector",
    "Found",
    "PlainDetector",
    "VAEDetector",
    "feedback_taken",
    "find",
]

__getattr__ = lazy_exports(
    __name__,
    {
        **dict.fromkeys(("AutoencoderDetector", "VAEDetector"), "oddrow.detector._estimators"),
        **dict.fromkeys(("FIND_FOLDS", "find"), "oddrow.detector._find"),
        "feedback_taken": "oddrow.detector._feedback",
        "Found": "oddrow.detector._found",
        "PlainDetector": "oddrow.detector._plain_detector",
    },
)
