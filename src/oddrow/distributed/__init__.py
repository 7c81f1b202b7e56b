"""Beyond one machine: an engine's batches to scored batches, each engine imported only when it is asked for."""

from oddrow.distributed._dask import score_dask
from oddrow.distributed._files import ENGINES, ScoredFiles, score_files
from oddrow.distributed._ray import score_ray
from oddrow.distributed._spark import score_spark

__all__ = ["ENGINES", "ScoredFiles", "score_dask", "score_files", "score_ray", "score_spark"]
