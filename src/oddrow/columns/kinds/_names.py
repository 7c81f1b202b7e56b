"""Names that are numbers: their text and their Arrow type."""

from __future__ import annotations

import pyarrow as pa

from oddrow.columns.kinds.number import typed_numbers
from oddrow.table import TextForm, as_texts


def plain_number(number: float) -> str:
    """Return a number as the name of a category."""
    return str(as_texts(pa.chunked_array([pa.array([number])]))[0].as_py())


def typed_names(texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
    """Return names as numbers if the form says that they are numeric, else as texts."""
    return typed_numbers(texts, form) if form.is_numeric else texts
