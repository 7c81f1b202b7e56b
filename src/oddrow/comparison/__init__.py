"""Comparison, ranking and tuning of detection methods, with labels and without."""

from oddrow.comparison._compare import checked_methods, compare, encoded_rows, labelled_table
from oddrow.comparison._comparison import Comparison, MethodSummary
from oddrow.comparison._methods import METHODS, Method, MethodRows, PlainEncoding, Scorer, method_of
from oddrow.comparison._paired_tests import Interval, holm, resampled_interval, resampled_t_test
from oddrow.comparison._probe_kinds import STATED_KINDS, Between, Cluster, Jitter, Recombined, StatedKind, Tail, Unseen
from oddrow.comparison._probe_ranking import MethodRank, ProbeRanking, ProbeRun
from oddrow.comparison._probes import NoProbes, Normals, make_probes
from oddrow.comparison._tune import CANDIDATES, MAX_TUNING_ROWS, Tuning, tune
from oddrow.comparison._without_labels import rank_without_labels

__all__ = [
    "CANDIDATES",
    "MAX_TUNING_ROWS",
    "METHODS",
    "STATED_KINDS",
    "Between",
    "Cluster",
    "Comparison",
    "Interval",
    "Jitter",
    "Method",
    "MethodRank",
    "MethodRows",
    "MethodSummary",
    "NoProbes",
    "Normals",
    "PlainEncoding",
    "ProbeRanking",
    "ProbeRun",
    "Recombined",
    "Scorer",
    "StatedKind",
    "Tail",
    "Tuning",
    "Unseen",
    "checked_methods",
    "compare",
    "encoded_rows",
    "holm",
    "labelled_table",
    "make_probes",
    "method_of",
    "rank_without_labels",
    "resampled_interval",
    "resampled_t_test",
    "tune",
]
