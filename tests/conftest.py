"""Fitted once, read by many: a test that changes a fixture changes its own copy."""

import os
import signal

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

import oddrow
from oddrow.datasets import make_connections
from testing.untrained import hundred_steps, no_training

# The suite tries the same examples each time, so that what it says of a change is said of that change; new ones are
# looked for by ``python -m benchmarks tables``. Nor does it depend on how busy the machine is.
settings.register_profile("suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread():
    """Blocks are too small to share: on a busy machine threads that wait for each other cost five times the work."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session", autouse=True)
def compilations_of_this_run(tmp_path_factory):
    """Compiled programs are kept for this run alone: processes that it starts find them, later runs do not."""
    own = tmp_path_factory.getbasetemp()
    run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ODDROW_COMPILATION_CACHE", str(run / "compiled"))
        yield


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """A shell starts what runs in its background with interrupts ignored, and our processes would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def connections():
    """Ordinary rows to learn from."""
    return make_connections(3000, odd_share=0, random_state=1).table


@pytest.fixture(scope="session")
def fresh():
    """Ordinary rows that no detector has seen."""
    return make_connections(1000, odd_share=0, random_state=2).table


@pytest.fixture(scope="session")
def labelled():
    """Rows of which one in five is odd, and the truth about them."""
    return make_connections(1000, odd_share=0.2, random_state=3)


@pytest.fixture(scope="session")
def vae(connections):
    return oddrow.VAEDetector(random_state=0).fit(connections)


@pytest.fixture(scope="session")
def autoencoder(connections):
    return oddrow.AutoencoderDetector(random_state=0).fit(connections)


@pytest.fixture(scope="session")
def numbers():
    """float64 [400, 4]: two numbers that go together, two that go alone."""
    rows = np.random.default_rng(5).normal(size=(400, 4))
    rows[:, 1] = rows[:, 0] + 0.1 * rows[:, 1]
    return rows


@pytest.fixture(scope="session")
def article(numbers):
    return oddrow.VAEDetector(settings="article", random_state=0).fit(numbers)


@pytest.fixture(params=["vae", "autoencoder"])
def detector(request):
    """Either detector, fitted on ``connections``."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["vae", "autoencoder", "article"])
def scored(request):
    """A fitted detector of each kind of evidence, and a table that it has not seen."""
    detector = request.getfixturevalue(request.param)
    if request.param == "article":
        return detector, np.random.default_rng(6).normal(size=(700, 4))
    return detector, request.getfixturevalue("fresh")


@pytest.fixture
def short_training():
    """A hundred steps, for laws that hold however good the fit."""
    with hundred_steps():
        yield


@pytest.fixture
def untrained():
    """No step at all (nothing is compiled), for laws that hold whatever the weights."""
    with no_training():
        yield
