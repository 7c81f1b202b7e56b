"""The bytes of a file of oddrow: magic, protocol number, lengths, hashes, a JSON manifest and named arrays."""

from oddrow.container._array_store import MOST_NUMBER, ArrayStore
from oddrow.container._container import (
    MAGIC,
    PROTOCOL,
    Arrays,
    check_lengths,
    one_line,
    pack,
    parts_of,
    read_parts,
    strict_json,
    unpack_arrays,
)

__all__ = [
    "MAGIC",
    "MOST_NUMBER",
    "PROTOCOL",
    "ArrayStore",
    "Arrays",
    "check_lengths",
    "one_line",
    "pack",
    "parts_of",
    "read_parts",
    "strict_json",
    "unpack_arrays",
]
