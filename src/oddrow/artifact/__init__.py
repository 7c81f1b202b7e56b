"""Save and load a fitted detector: one file, no code in it. ``docs/model_file.md`` describes it byte by byte."""

from oddrow.artifact._container import PROTOCOL
from oddrow.artifact._model import digest, load, load_model, save

__all__ = ["PROTOCOL", "digest", "load", "load_model", "save"]
