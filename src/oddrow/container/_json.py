"""Untrusted JSON: parsed within limits, and quoted in errors as one short line."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

MAX_VALUES = 1_000_000
"""Maximum number of numbers, strings, lists and objects in a JSON text."""
MAX_NESTED = 100_000
"""Maximum number of lists and objects in a JSON text: a parser can need some hundred bytes for an empty one."""
MAX_DIGITS = 100
"""Maximum number of digits of an integer; every integer of 100 digits is finite as float64, too."""
MAX_SHOWN = 300
"""Maximum number of characters of a file's text in an error."""

# The closing quote is optional: otherwise each quote in an unclosed string would start a new search to the end.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def strict_json(text: bytes) -> Any:
    """Parse JSON of only one possible meaning, within the limits.

    Raises
    ------
    ValueError
        For a duplicate key, NaN, infinity, an integer of more than ``MAX_DIGITS`` digits, text that is not UTF-8, more
        than ``MAX_VALUES`` values or ``MAX_NESTED`` lists and objects, or invalid JSON.
    """
    bare = _STRING.sub(b"", text)
    nested = bare.count(b"[") + bare.count(b"{")
    values = nested + bare.count(b",") + bare.count(b":")
    if nested > MAX_NESTED or values > MAX_VALUES:
        raise ValueError(f"{values:,} values in JSON, of these {nested:,} nested, are more than a model has")
    del bare
    try:
        return json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} is there twice")
    return unique


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a whole number of {len(digits):,} digits is no number of a model")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")


def one_line(text: str) -> str:
    r"""Return text of an untrusted file as an error may quote it: one short line without control characters.

    Examples
    --------
    >>> one_line("a\nb\x1b[2J")
    'a b?[2J'
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text[: 4 * MAX_SHOWN].split()))
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 3] + "..."
