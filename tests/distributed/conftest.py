"""A model, a table and its scores on one machine; and each engine, started once and reached by nobody else."""

from __future__ import annotations

import importlib.util
import os
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import oddrow
from oddrow.batch import scored_table
from oddrow.datasets import make_connections
from oddrow.distributed._work import PackedModel
from testing.typed_reading import read_table
from testing.untrained import no_training
from tests.support.engines import MODULES, NEEDED, RunningEngine

TOP = 2


@pytest.fixture(scope="session")
def fitted():
    with no_training():
        return oddrow.VAEDetector(random_state=0).fit(make_connections(600, odd_share=0, random_state=1).table)


@pytest.fixture(scope="session")
def model_path(fitted, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.oddrow"
    oddrow.save(fitted, path)
    return path


@pytest.fixture(scope="session")
def packed(model_path):
    return PackedModel.of(model_path)


@pytest.fixture(scope="session")
def table():
    """Some rows are odd, some lack values; ``row`` is the place of each and nothing to the model."""
    rows = make_connections(900, odd_share=0.1, random_state=3).table
    return rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))


@pytest.fixture(scope="session")
def table_path(table, tmp_path_factory):
    """The table as a file whose row groups end elsewhere than any part."""
    path = tmp_path_factory.mktemp("table") / "table.parquet"
    pq.write_table(table, path, row_group_size=170)
    return path


@pytest.fixture(scope="session")
def whole(fitted, table_path):
    """What one machine says of the file."""
    return scored_table(fitted.model_, read_table(table_path), TOP).rows


@contextmanager
def _started(name: str):
    # not imported to see whether it is there: how Ray is imported decides on which addresses it listens
    if not all(importlib.util.find_spec(needed) for needed in NEEDED[name]):
        pytest.skip(f"needs oddrow[{name}]: make test-engines")
    with pytest.MonkeyPatch.context() as patch:
        # the workers import what tests send them
        root = str(Path(__file__).parents[2])
        patch.setenv("PYTHONPATH", os.pathsep.join([root, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]))
        with MODULES[name]._session(None, 2) as session:
            yield RunningEngine(name, session)


@pytest.fixture(scope="session")
def ray_engine():
    with _started("ray") as engine:
        yield engine


@pytest.fixture(scope="session")
def spark_engine():
    with _started("spark") as engine:
        yield engine


@pytest.fixture(scope="session")
def dask_engine():
    with _started("dask") as engine:
        yield engine


@pytest.fixture(params=list(MODULES))
def engine(request):
    """Each engine, running."""
    return request.getfixturevalue(f"{request.param}_engine")
