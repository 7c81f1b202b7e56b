"""Detection metrics of labelled rows, and of sequences in which an anomaly is an event of several points.

No metric here uses point adjustment. It counts every point of an event as found when one of them is flagged, so that a
random score reaches a high F1 when events are long.
"""

from oddrow.metrics._affiliation import affiliation_precision, affiliation_recall
from oddrow.metrics._events_found import EventsFound, events_found
from oddrow.metrics._rows import DetectionMetrics, detection_metrics
from oddrow.metrics._sequence import SequenceMetrics, sequence_metrics
from oddrow.metrics._volume import vus_pr

__all__ = [
    "DetectionMetrics",
    "EventsFound",
    "SequenceMetrics",
    "affiliation_precision",
    "affiliation_recall",
    "detection_metrics",
    "events_found",
    "sequence_metrics",
    "vus_pr",
]
