"""The distributed engines as tests use them: rows in, work, rows out in their order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pyarrow as pa

import oddrow.detector._parameters
import oddrow.distributed
from oddrow.columns import Sampling
from oddrow.distributed import _dask, _ray, _spark
from oddrow.distributed._gathering import Gathering
from oddrow.distributed._work import PackedModel, Work
from oddrow.table import SampleBounds

MODULES: dict[str, ModuleType] = {"ray": _ray, "spark": _spark, "dask": _dask}
NEEDED = {"ray": ("ray",), "spark": ("pyspark",), "dask": ("dask", "distributed")}
PIECES = 9
"""Of a table, so that each of two workers gets several."""


@dataclass(frozen=True)
class RunningEngine:
    """An engine that has been started."""

    name: str
    session: Any

    def dataset(self, table: pa.Table) -> Any:
        """The table in the engine's own form, in :data:`PIECES`."""
        if self.name == "ray":
            import ray.data

            return ray.data.from_arrow(table).repartition(PIECES)
        if self.name == "spark":
            # times without a zone stay without one, as in a Parquet file, and so does their text among the reasons
            self.session.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")
            return self.session.createDataFrame(table).repartition(PIECES)
        import dask.dataframe
        import pandas as pd

        # whole numbers beside missing ones stay whole, and so is their text among the reasons
        return dask.dataframe.from_pandas(table.to_pandas(types_mapper=pd.ArrowDtype), npartitions=PIECES)

    def score(self, dataset: Any, model: Any, **settings: Any) -> Any:
        """What a user calls."""
        return getattr(oddrow.distributed, f"score_{self.name}")(dataset, model, **settings)

    def fit(self, dataset: Any, detector: Any, **settings: Any) -> Any:
        """What a user calls."""
        return getattr(oddrow.distributed, f"fit_{self.name}")(dataset, detector, **settings)

    def mapped(self, dataset: Any, packed: PackedModel, work: Work) -> Any:
        """Other work than scoring."""
        rows_and_workers = (100, 2) if self.name == "ray" else ()
        return MODULES[self.name].mapped(dataset, packed, work, *rows_and_workers)

    def rows(self, dataset: Any) -> pa.Table:
        """What comes out, by the column ``row``."""
        if self.name == "ray":
            import ray

            found = pa.concat_tables(ray.get(dataset.to_arrow_refs()))
        elif self.name == "spark":
            found = dataset.toArrow()
        else:
            found = pa.Table.from_pandas(dataset.compute(), preserve_index=False)
        return found.sort_by("row")

    def work_on_parts(self, parts: pa.Table, packed: PackedModel, work: Work) -> pa.Table:
        """Each row worked on by itself."""
        return MODULES[self.name].work_on_parts(parts, packed, work, None, 2)

    def gather_parts(self, parts: pa.Table, sample: Gathering) -> pa.Table:
        """What is gathered from each row, merged."""
        return MODULES[self.name].gather_parts(parts, sample, None, 2)


@contextmanager
def small_samples(most_rows: int) -> Iterator[None]:
    """Fits sample so many rows at most."""
    with patch.object(oddrow.detector._parameters, "Sampling", partial(Sampling, bounds=SampleBounds(rows=most_rows))):
        yield
