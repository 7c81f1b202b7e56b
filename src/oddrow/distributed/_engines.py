"""The engines by name: an engine is a module that works on the parts of a Parquet table, and its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import pyarrow as pa

from oddrow.distributed import _dask, _ray, _spark
from oddrow.distributed._gathering import Gathering
from oddrow.distributed._work import PackedModel, Work
from oddrow.exceptions import SettingError

WorkOnParts: TypeAlias = Callable[[pa.Table, PackedModel, Work, str | None, int | None], pa.Table]
"""Parts (one in each row), a model, work, address of the cluster and number of workers -> what the work returned."""
GatherParts: TypeAlias = Callable[[pa.Table, Gathering, str | None, int | None], pa.Table]
"""Parts (one in each row), what is gathered from each, address and number of workers -> what was gathered, merged."""


@dataclass(frozen=True)
class Engine:
    """What an engine does with the parts of a table.

    Attributes
    ----------
    work_on_parts : works on each part by itself
    gather_parts : gathers something from each part and merges it
    """

    work_on_parts: WorkOnParts
    gather_parts: GatherParts


ENGINES: Final[Mapping[str, Engine]] = MappingProxyType(
    {
        "ray": Engine(_ray.work_on_parts, _ray.gather_parts),
        "spark": Engine(_spark.work_on_parts, _spark.gather_parts),
        "dask": Engine(_dask.work_on_parts, _dask.gather_parts),
    }
)


def engine_of(name: str) -> Engine:
    """The engine of a name.

    Raises
    ------
    SettingError
        If there is no engine of this name.
    """
    if name not in ENGINES:
        raise SettingError(f"engine is {name!r}; choose from {', '.join(ENGINES)}")
    return ENGINES[name]
