"""The binary container of model files, checkpoints and scored parts; named arrays; the identity of a resumable job."""

from oddrow.container._array_store import MAX_NUMBER, ArrayStore, Packable, packed_components, piece_starts
from oddrow.container._arrays import Arrays, pack_arrays, unpack_arrays
from oddrow.container._files import Content, FileKind, check_lengths, pack_file, read_bytes, read_file
from oddrow.container._job_identity import Fact, JobIdentity, digest
from oddrow.container._json import one_line, strict_json

__all__ = [
    "MAX_NUMBER",
    "ArrayStore",
    "Arrays",
    "Content",
    "Fact",
    "FileKind",
    "JobIdentity",
    "Packable",
    "check_lengths",
    "digest",
    "one_line",
    "pack_arrays",
    "pack_file",
    "packed_components",
    "piece_starts",
    "read_bytes",
    "read_file",
    "strict_json",
    "unpack_arrays",
]
