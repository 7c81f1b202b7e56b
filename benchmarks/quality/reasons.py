"""How often the true reason is found, by kind of oddness, on made-up network connections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oddrow import VAEDetector
from oddrow.datasets import ODDNESS_KINDS, make_connections

TRAINING_ROWS, NEW_ROWS, SEEDS = 12_000, 4_000, 3


def main(_: Sequence[str]) -> None:
    """Print a row a kind: share flagged, true reason first, true reason among the first three."""
    found: dict[str, list[tuple[bool, bool, bool]]] = {kind: [] for kind in ODDNESS_KINDS}
    false_alarms = []
    for seed in range(SEEDS):
        detector = VAEDetector(random_state=seed).fit(make_connections(TRAINING_ROWS, 0.0, random_state=seed).table)
        new = make_connections(NEW_ROWS, 0.1, random_state=100 + seed)
        explanations = detector.explain(new.table, top=3)
        false_alarms.append(np.mean([row.is_odd for row, odd in zip(explanations, new.is_odd, strict=True) if not odd]))
        for row in np.flatnonzero(new.is_odd):
            named = [reason.column for reason in explanations[row].reasons]
            true = new.reasons[row][0]
            found[new.kinds[row]].append((explanations[row].is_odd, named[0] == true, true in named))
    print(f"## Reasons ({SEEDS} seeds, {TRAINING_ROWS:,} training rows; false alarms {np.mean(false_alarms):.2%})")
    print(f"{'kind':<20}{'rows':>6}{'flagged':>10}{'first':>8}{'in 3':>8}")
    everything = [row for of_kind in found.values() for row in of_kind]
    for kind, rows in [*found.items(), ("all", everything)]:
        flagged, first, among = np.mean(rows, axis=0)
        print(f"{kind:<20}{len(rows):>6}{flagged:>10.0%}{first:>8.0%}{among:>8.0%}")
