"""Published experiments, reproduced."""

from oddrow.experiments._kddcup99 import (
    PROTOCOLS,
    KddFamily,
    KddResult,
    KddSeconds,
    Protocol,
    kddcup99_file,
    read_connections,
    reproduce_kddcup99,
)
from oddrow.experiments._latent_space import LatentSpace, reproduce_latent_space

__all__ = [
    "PROTOCOLS",
    "KddFamily",
    "KddResult",
    "KddSeconds",
    "LatentSpace",
    "Protocol",
    "kddcup99_file",
    "read_connections",
    "reproduce_kddcup99",
    "reproduce_latent_space",
]
