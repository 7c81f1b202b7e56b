"""Policies decide which rows are odd, and say what false-alarm rate that promises."""

from oddrow.policies._batch_policies import AlertBudget, FalseDiscoveryRate
from oddrow.policies._decision import Decision
from oddrow.policies._flood import (
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
from oddrow.policies._policies import Policy, check_is_policy, check_policy, checked_contamination, strictest_supported
from oddrow.policies._promise import ROWS
from oddrow.policies._row_policies import Cost, FalseAlarmRate, FixedSurprise, TrainingShare

__all__ = [
    "LEVEL",
    "ROWS",
    "AlertBudget",
    "Cost",
    "Decision",
    "FalseAlarmRate",
    "FalseDiscoveryRate",
    "FixedSurprise",
    "Policy",
    "RareLevel",
    "RareRows",
    "TrainingShare",
    "check_is_policy",
    "check_policy",
    "checked_contamination",
    "columns_text",
    "expected_text",
    "flood_note",
    "flood_p_value",
    "is_flood",
    "reference_level",
    "strictest_supported",
]
