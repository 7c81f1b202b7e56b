"""Select the texts, templates and shapes of a column that are frequent enough for a one-hot feature each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._sketch import ValueCounts
from oddrow.columns._text_patterns import shapes, templates

MAX_KNOWN = 64
"""Largest number of texts and templates together with a one-hot feature each."""
MAX_SHAPES = 12
"""Largest number of shapes with a one-hot feature each."""
MIN_ROWS, MIN_SHARE = 5, 0.001
"""Smallest number and share of rows of a text, template or shape with a one-hot feature."""
MIN_COVERED = 0.9
"""Smallest share of a template's rows that its frequent texts must cover to have one-hot features themselves."""
MAX_KNOWN_LENGTH = 1_000
"""Largest length of a text with a one-hot feature, which the model file holds."""
MAX_RARE = 1_000
"""Largest number of other templates, or shapes, that are kept; with more, an unseen one has no novelty."""


@dataclass(frozen=True)
class PatternNames:
    """The templates, or shapes, of a column by their frequency in training rows.

    Attributes
    ----------
    placed, rare, lone : those with a one-hot feature; the others seen at least twice; the others seen once
    once : the estimated number that are seen once in all training rows; None if not all are kept, or if more than half
        of the rows have one that is seen once
    """

    placed: tuple[str, ...]
    rare: tuple[str, ...]
    lone: tuple[str, ...]
    once: int | None

    @classmethod
    def of(cls, counted: ValueCounts, placed: tuple[str, ...], n_further: int) -> PatternNames:
        """Classify counted names, of which some have a one-hot feature; ``n_further`` training rows are not counted."""
        n_rows = int(counted.counts.sum())
        n_lone, n_repeated = (int(np.sum(chosen)) for chosen in (counted.counts == 1, counted.counts > 1))
        repeated = sorted(_at_least(counted, 2), key=_by_count)
        rare = tuple(name for name, _ in repeated if name not in placed)[:MAX_RARE]
        is_complete = n_repeated <= len(placed) + MAX_RARE and n_lone <= MAX_RARE
        if not is_complete or 2 * n_lone > n_rows or not n_rows:
            return cls(placed, rare, (), None)
        lone = sorted(counted.values.take(np.flatnonzero(counted.counts == 1)).to_pylist())
        # assumes the same share of names seen once in the rows that are not counted
        return cls(placed, rare, tuple(lone), round((n_lone + 1) * (1.0 + n_further / n_rows)) - 1)


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    """Return the sort key of a name and its count: descending by count, then by name."""
    return -entry[1], entry[0]


@dataclass(frozen=True)
class TextPatterns:
    """The frequent texts, the templates and the shapes of a column of texts."""

    frequent: tuple[str, ...]
    templates: PatternNames
    shapes: PatternNames

    @classmethod
    def of(cls, counted: ValueCounts, n_further: int) -> TextPatterns:
        """Select from counted texts; ``n_further`` training rows are not counted.

        A text has a one-hot feature only if such texts cover at least 90 % of the rows of their template, because some
        values of a running number repeat by chance.
        """
        least = max(MIN_ROWS, MIN_SHARE * int(counted.counts.sum()))
        template, shape = (of(pa.chunked_array([counted.values])).combine_chunks() for of in (templates, shapes))
        rows = pa.table({"template": template, "shape": shape, "count": counted.counts})
        by_template, by_shape = _summed(rows, "template"), _summed(rows, "shape")

        total = dict(_at_least(by_template, least))
        texts = [
            (text, of, count)
            for text, of, count in _rows(
                pa.table({"text": counted.values, "template": template, "count": counted.counts}), least
            )
            if len(text) <= MAX_KNOWN_LENGTH
        ]
        covered: dict[str, int] = {}
        for _, of, count in texts:
            covered[of] = covered.get(of, 0) + count
        of_known = {of: count for of, count in covered.items() if count >= MIN_COVERED * total[of]}
        known = [(count, text, True) for text, of, count in texts if of in of_known]
        for name, count in total.items():
            left = count - of_known.get(name, 0)
            if left >= least:
                known.append((left, name, False))
        known = sorted(known, key=lambda entry: (-entry[0], entry[1], entry[2]))[:MAX_KNOWN]
        frequent = tuple(name for _, name, is_text in known if is_text)
        placed = tuple(name for _, name, is_text in known if not is_text)

        is_left = pc.and_(
            pc.invert(pc.is_in(counted.values, pa.array(frequent, pa.string()))),
            pc.invert(pc.is_in(template, pa.array(placed, pa.string()))),
        )
        left_shapes = sorted(
            _at_least(_summed(rows.filter(is_left), "shape"), least), key=lambda one: (-one[1], one[0])
        )
        placed_shapes = tuple(name for name, _ in left_shapes[:MAX_SHAPES])
        return cls(
            frequent,
            PatternNames.of(by_template, placed, n_further),
            PatternNames.of(by_shape, placed_shapes, n_further),
        )


def _summed(rows: pa.Table, name: str) -> ValueCounts:
    """Return the distinct values of a column of names, each with the sum of its counts."""
    summed = rows.group_by(name, use_threads=False).aggregate([("count", "sum")])
    return ValueCounts(summed[name].combine_chunks(), summed["count_sum"].to_numpy())


def _at_least(counted: ValueCounts, least: float) -> list[tuple[str, int]]:
    """Return the names with at least ``least`` rows, and their number of rows."""
    chosen = np.flatnonzero(counted.counts >= least)
    return list(zip(counted.values.take(chosen).to_pylist(), counted.counts[chosen].tolist(), strict=True))


def _rows(table: pa.Table, least: float) -> list[tuple[str, str, int]]:
    """Return text, template and count of each text with at least ``least`` rows."""
    chosen = table.filter(pc.greater_equal(table["count"], least))
    return list(zip(*(column.to_pylist() for column in chosen.columns), strict=True))
