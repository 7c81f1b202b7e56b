"""Save and load a fitted detector as one file without code. ``docs/model_file.md`` describes the file byte by byte."""

from oddrow.artifact._files import dumps, load, load_model, loads_model, save
from oddrow.artifact._protocol_1 import PROTOCOL
from oddrow.artifact._readers import READERS, Reader
from oddrow.artifact._saved_detector import SavedDetector

__all__ = [
    "PROTOCOL",
    "READERS",
    "Reader",
    "SavedDetector",
    "dumps",
    "load",
    "load_model",
    "loads_model",
    "save",
]
