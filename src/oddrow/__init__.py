"""oddrow finds the odd rows of a table and says why.

>>> import oddrow
>>> sorted(name for name in oddrow.__all__ if name[0].isupper())
['AutoencoderDetector', 'VAEDetector']
"""

from oddrow import datasets, exceptions
from oddrow.artifact import load, save
from oddrow.detector import AutoencoderDetector, VAEDetector

__all__ = ["AutoencoderDetector", "VAEDetector", "datasets", "exceptions", "load", "save"]
