"""Seeded sequences, and the numbers that the published implementations print for them.

``python tests/support/published_metrics.py volume`` prints aeon's (``pip install aeon==1.6.0``), and
``python tests/support/published_metrics.py affiliation`` those of the authors of the affiliation metrics
(``pip install git+https://github.com/ahstat/affiliation-metrics-py``). Neither needs oddrow.
"""

import sys

import numpy as np

N_CASES = 14


def labelled(rng, n_points, n_events, longest):
    """Labels with a number of events, at places that may overlap or end with the sequence."""
    truth = np.zeros(n_points, dtype=int)
    for start in rng.integers(0, n_points, size=n_events):
        truth[start : start + rng.integers(1, longest)] = 1
    return truth


def volume_case(seed):
    """Labels, surprise and the largest buffer: one event or several, also at both ends; every other with ties."""
    rng = np.random.default_rng(seed)
    n_points = (40, 120, 251, 600, 1500)[seed % 5]
    truth = labelled(rng, n_points - 10, 1 + seed % 4, 25)
    truth = np.concatenate((truth, np.zeros(10, dtype=int)))
    if seed % 3 == 1:
        truth[:4] = 1
    if seed % 3 == 2:
        truth[-3:] = 1
    surprise = rng.exponential(size=n_points) + rng.uniform(0.5, 3) * np.roll(truth, seed % 7 - 3)
    if seed % 2:
        surprise = np.round(surprise, 1)
    return truth, surprise, (0, 1, 2, 7, 30, 100)[seed % 6]


def affiliation_case(seed):
    """Flagged points and labels."""
    rng = np.random.default_rng(seed)
    n_points = int(rng.integers(20, 400))
    truth = labelled(rng, n_points, 1 + seed % 5, 15)
    return labelled(rng, n_points, 1 + seed % 7, 10), truth


def print_volume():
    from aeon.benchmarking.metrics.anomaly_detection import range_pr_vus_score

    for seed in range(N_CASES):
        sys.stdout.write(f"{float(range_pr_vus_score(*volume_case(seed)))}\n")


def print_affiliation():
    from affiliation.generics import convert_vector_to_events
    from affiliation.metrics import pr_from_events

    for seed in range(N_CASES):
        flagged, truth = affiliation_case(seed)
        found = pr_from_events(convert_vector_to_events(flagged), convert_vector_to_events(truth), (0, len(truth)))
        sys.stdout.write(f"{(found['precision'], found['recall'])}\n")


if __name__ == "__main__":
    {"volume": print_volume, "affiliation": print_affiliation}[sys.argv[1]]()
