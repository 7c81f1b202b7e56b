"""Detectors of every setting on one mixed table; what a graph gives does not depend on how good the fit is."""

from __future__ import annotations

import pytest

from oddrow import AutoencoderDetector, VAEDetector
from testing.untrained import no_training
from tests.support.mixed_tables import TRAINING_ROWS, mixed_table


@pytest.fixture(scope="module", params=["default", "article"])
def settings(request):
    return request.param


@pytest.fixture(scope="module", params=[VAEDetector, AutoencoderDetector])
def detector(request, settings):
    with no_training():
        return request.param(settings=settings, random_state=0).fit(mixed_table(TRAINING_ROWS, seed=0))
