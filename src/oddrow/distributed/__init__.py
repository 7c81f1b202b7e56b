"""Scoring and fitting with Ray, Spark or Dask.

An engine scores the batches of a data set on its workers, or draws the sample of rows that a fit needs. Each engine is
imported only when one of its functions is called.
"""

from oddrow.distributed._dask import fit_dask, score_dask
from oddrow.distributed._engines import ENGINES
from oddrow.distributed._fitting_files import fit_files
from oddrow.distributed._parts import column_names
from oddrow.distributed._ray import fit_ray, score_ray
from oddrow.distributed._scoring_files import ScoredFiles, score_files
from oddrow.distributed._spark import fit_spark, score_spark

__all__ = [
    "ENGINES",
    "ScoredFiles",
    "column_names",
    "fit_dask",
    "fit_files",
    "fit_ray",
    "fit_spark",
    "score_dask",
    "score_files",
    "score_ray",
    "score_spark",
]
