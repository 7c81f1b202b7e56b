"""Save and load a fitted detector: one file, no code in it. ``docs/model_file.md`` describes it byte by byte."""

from oddrow.artifact._model import dumps, load, load_model, loads_model, save
from oddrow.container import PROTOCOL

__all__ = ["PROTOCOL", "dumps", "load", "load_model", "loads_model", "save"]
