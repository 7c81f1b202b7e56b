"""Training is what makes the difference: on real tables a fitted detector beats the same network untrained.

The likelihood view is the network's own; five of the other six do not look at the network at all, and the latent space
shows much even with weights drawn at random.
"""

import os
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import oddrow.training
from oddrow import VAEDetector
from oddrow.table import as_table
from testing.untrained import no_training

DATA = Path(os.environ.get("ODDROW_DATA", "../shared/data")) / "adbench"
SETS = (  # all of them with 300 to 8,000 rows and at most 64 columns
    "12_fault",
    "20_letter",
    "26_optdigits",
    "27_PageBlocks",
    "28_pendigits",
    "30_satellite",
    "35_SpamBase",
    "37_Stamps",
    "38_thyroid",
    "41_Waveform",
    "47_yeast",
    "4_breastw",
)


def areas(normals, anomalies):
    """Area under the ROC curve of the surprise and of the likelihood alone, in a test half that was not fitted."""
    half = len(normals) // 2
    detector = VAEDetector(random_state=0).fit(normals[:half])
    test = np.concatenate([normals[half:], anomalies])
    is_anomaly = np.arange(len(test)) >= len(normals) - half
    read = detector.model_.surprise_model.read(detector.model_.encoding.encode(as_table(test)))
    likelihood = read.column_nats.sum(axis=1) + read.kl_nats
    return roc_auc_score(is_anomaly, detector.surprise(test)), roc_auc_score(is_anomaly, likelihood)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::oddrow.exceptions.TrainingHealthWarning")
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the public data sets in $ODDROW_DATA")
def test_a_fitted_detector_beats_the_same_network_untrained_on_real_tables():
    gains = np.empty((len(SETS), 2))
    short = replace(oddrow.training.DEFAULT_TRAINING, max_steps=300)
    for place, name in enumerate(SETS):
        with np.load(DATA / f"{name}.npz") as arrays:
            rows, is_anomaly = arrays["X"].astype(np.float64), arrays["y"] == 1
        order = np.random.default_rng(0).permutation(len(rows))
        normals, anomalies = (rows[order][which[order]][:800] for which in (~is_anomaly, is_anomaly))
        with patch.object(oddrow.training, "DEFAULT_TRAINING", short):
            fitted = areas(normals, anomalies)
        with no_training():
            gains[place] = np.subtract(fitted, areas(normals, anomalies))
    surprise, likelihood = gains.T
    assert surprise.mean() > 0.005
    assert likelihood.mean() > 0.05
    assert (likelihood > -0.01).sum() >= 10
    assert (surprise > -0.02).all()
