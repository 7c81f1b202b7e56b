"""Rows get surprise and a tail probability, in NumPy alone."""

from oddrow.scoring._batch_policies import AlertBudget, FalseDiscoveryRate
from oddrow.scoring._blocks import BLOCK_ROWS, in_blocks
from oddrow.scoring._calibration import Calibration, Source, TailCurve, TailFit
from oddrow.scoring._contamination import (
    OddShare,
    estimate_odd_share,
    isolation,
    isolation_within_kinds,
    typical_distance,
)
from oddrow.scoring._decision import Decision
from oddrow.scoring._dependence import MOST_BORDERS, Dependence, parts_of
from oddrow.scoring._evidence import Evidence
from oddrow.scoring._expectations import Expectations, Statistic, Subject, n_given_codes, subjects_of
from oddrow.scoring._fitted import FittedModel, LatentProjection, day_column
from oddrow.scoring._flood import (
    LEVEL,
    RareLevel,
    RareRows,
    columns_text,
    expected_text,
    flood_note,
    flood_p_value,
    is_flood,
    reference_level,
)
from oddrow.scoring._likelihood import FeatureRange, RowLikelihood
from oddrow.scoring._marginals import Marginals
from oddrow.scoring._memory import NEIGHBOURS, TIED, Memory, Reach, Surroundings
from oddrow.scoring._policies import Policy, check_is_policy, check_policy, checked_contamination, strictest_supported
from oddrow.scoring._promise import ROWS
from oddrow.scoring._row_policies import Cost, FalseAlarmRate, FixedSurprise, TrainingShare
from oddrow.scoring._scales import MARGINAL_POWER, MOST_NATS, POWER, VIEWS, ViewScales, checked_view_weights
from oddrow.scoring._spaces import PiecewiseCurve, Space
from oddrow.scoring._surprise import (
    EvidenceModel,
    IsolationEvidence,
    ReconstructionEvidence,
    Surprise,
    SurpriseModel,
    ViewEvidence,
)
from oddrow.scoring._views import RowViews, Views

__all__ = [
    "BLOCK_ROWS",
    "LEVEL",
    "MARGINAL_POWER",
    "MOST_BORDERS",
    "MOST_NATS",
    "NEIGHBOURS",
    "POWER",
    "ROWS",
    "TIED",
    "VIEWS",
    "AlertBudget",
    "Calibration",
    "Cost",
    "Decision",
    "Dependence",
    "Evidence",
    "EvidenceModel",
    "Expectations",
    "FalseAlarmRate",
    "FalseDiscoveryRate",
    "FeatureRange",
    "FittedModel",
    "FixedSurprise",
    "IsolationEvidence",
    "LatentProjection",
    "Marginals",
    "Memory",
    "OddShare",
    "PiecewiseCurve",
    "Policy",
    "RareLevel",
    "RareRows",
    "Reach",
    "ReconstructionEvidence",
    "RowLikelihood",
    "RowViews",
    "Source",
    "Space",
    "Statistic",
    "Subject",
    "Surprise",
    "SurpriseModel",
    "Surroundings",
    "TailCurve",
    "TailFit",
    "TrainingShare",
    "ViewEvidence",
    "ViewScales",
    "Views",
    "check_is_policy",
    "check_policy",
    "checked_contamination",
    "checked_view_weights",
    "columns_text",
    "day_column",
    "estimate_odd_share",
    "expected_text",
    "flood_note",
    "flood_p_value",
    "in_blocks",
    "is_flood",
    "isolation",
    "isolation_within_kinds",
    "n_given_codes",
    "parts_of",
    "reference_level",
    "strictest_supported",
    "subjects_of",
    "typical_distance",
]
