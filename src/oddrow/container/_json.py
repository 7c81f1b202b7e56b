"""JSON that nobody has vouched for: parsed within limits, and repeated in one short line."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

MAX_VALUES = 1_000_000
"""Of a JSON text: numbers, strings, lists and objects together."""
MAX_NESTED = 100_000
"""Of a JSON text: lists and objects; a parser may spend some hundred bytes on an empty one."""
MAX_DIGITS = 100
"""Of a whole number: any such number is a finite one in double precision, too."""
MAX_SHOWN = 300
"""Letters of what is wrong with a file that an error repeats."""

# A string may lack its closing quote; were that no match, each quote in it would start a search to the end anew.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


def strict_json(text: bytes) -> Any:
    """Parse JSON that no two readers could understand differently, and that is within the limits.

    Raises
    ------
    ValueError
        For a key that is there twice, NaN, infinity, a whole number of more than ``MAX_DIGITS``, what is not UTF-8,
        more values than a model has, or no JSON.
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
    r"""What an error may repeat of a file that nobody has vouched for: one short line without control characters.

    Examples
    --------
    >>> one_line("a\nb\x1b[2J")
    'a b?[2J'
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text[: 4 * MAX_SHOWN].split()))
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 3] + "..."
