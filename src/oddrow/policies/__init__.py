"""Policies decide which rows are odd, and promise how often a normal row is flagged. Each policy is one file."""

from oddrow.policies._decision import Decision, Muted, RowScores
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
from oddrow.policies._muting import decide_muted, muted_promise
from oddrow.policies._policy import DayColumn, Needs, Policy
from oddrow.policies._promise import CONFIDENCE, NOT_COVERED, ROWS, Promise, count_text
from oddrow.policies._registry import POLICIES, check_is_policy, check_policy, register

# importing a policy registers it; messages list the policies in this order
from oddrow.policies.false_alarm_rate import FalseAlarmRate, strictest_supported  # isort: skip
from oddrow.policies.alert_budget import AlertBudget  # isort: skip
from oddrow.policies.false_discovery_rate import FalseDiscoveryRate  # isort: skip
from oddrow.policies.fixed_surprise import FixedSurprise  # isort: skip
from oddrow.policies.cost import Cost  # isort: skip
from oddrow.policies.training_share import TrainingShare, checked_contamination  # isort: skip

__all__ = [
    "CONFIDENCE",
    "LEVEL",
    "NOT_COVERED",
    "POLICIES",
    "ROWS",
    "AlertBudget",
    "Cost",
    "DayColumn",
    "Decision",
    "FalseAlarmRate",
    "FalseDiscoveryRate",
    "FixedSurprise",
    "Muted",
    "Needs",
    "Policy",
    "Promise",
    "RareLevel",
    "RareRows",
    "RowScores",
    "TrainingShare",
    "check_is_policy",
    "check_policy",
    "checked_contamination",
    "columns_text",
    "count_text",
    "decide_muted",
    "expected_text",
    "flood_note",
    "flood_p_value",
    "is_flood",
    "muted_promise",
    "reference_level",
    "register",
    "strictest_supported",
]
