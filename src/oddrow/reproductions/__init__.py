"""Reproductions of published experiments."""

from oddrow.reproductions._kddcup99 import KddResult, kddcup99_file, read_connections, reproduce_kddcup99
from oddrow.reproductions._latent_space import reproduce_latent_space

__all__ = [
    "KddResult",
    "kddcup99_file",
    "read_connections",
    "reproduce_kddcup99",
    "reproduce_latent_space",
]
