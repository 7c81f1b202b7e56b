"""Published experiments, reproduced; methods, compared."""

from oddrow.experiments._compare import checked_methods, compare, encoded_rows, labelled_table
from oddrow.experiments._comparison import Comparison, MethodSummary
from oddrow.experiments._kddcup99 import (
    PROTOCOLS,
    KddFamily,
    KddResult,
    KddSeconds,
    Protocol,
    kddcup99_file,
    read_connections,
    reproduce_kddcup99,
)
from oddrow.experiments._latent_space import LatentSpace, reproduce_latent_space
from oddrow.experiments._method_run import MethodRun, run_method
from oddrow.experiments._methods import METHODS, Method, MethodRows, PlainEncoding, Scorer, method_of
from oddrow.experiments._paired_tests import Interval, holm, resampled_interval, resampled_t_test
from oddrow.experiments._probe_kinds import (
    STATED_KINDS,
    Between,
    Cluster,
    Jitter,
    Recombined,
    StatedKind,
    Tail,
    Unseen,
)
from oddrow.experiments._probe_ranking import MethodRank, ProbeRanking, ProbeRun
from oddrow.experiments._probes import NoProbes, Normals, ProbeKind, Probes, make_probes
from oddrow.experiments._tune import CANDIDATES, MOST_TUNING_ROWS, Tuning, tune
from oddrow.experiments._without_labels import rank_without_labels

__all__ = [
    "CANDIDATES",
    "METHODS",
    "MOST_TUNING_ROWS",
    "PROTOCOLS",
    "STATED_KINDS",
    "Between",
    "Cluster",
    "Comparison",
    "Interval",
    "Jitter",
    "KddFamily",
    "KddResult",
    "KddSeconds",
    "LatentSpace",
    "Method",
    "MethodRank",
    "MethodRows",
    "MethodRun",
    "MethodSummary",
    "NoProbes",
    "Normals",
    "PlainEncoding",
    "ProbeKind",
    "ProbeRanking",
    "ProbeRun",
    "Probes",
    "Protocol",
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
    "kddcup99_file",
    "labelled_table",
    "make_probes",
    "method_of",
    "rank_without_labels",
    "read_connections",
    "reproduce_kddcup99",
    "reproduce_latent_space",
    "resampled_interval",
    "resampled_t_test",
    "run_method",
    "tune",
]
