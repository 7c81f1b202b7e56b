"""Methods side by side on one labelled table: the same splits, the same encoded rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from oddrow.columns import TableSchema
from oddrow.comparison._comparison import Comparison
from oddrow.comparison._method_run import MethodRun, run_method
from oddrow.comparison._methods import METHODS, Method, MethodRows, Scorer, method_of
from oddrow.comparison._plain_encoding import PlainEncoding, without_infinity
from oddrow.exceptions import DataError, SettingError
from oddrow.remedies import Setting, remedy
from oddrow.table import LabelledTable, as_table, as_texts, split_label

Flags: TypeAlias = npt.NDArray[np.bool_]
Indices: TypeAlias = npt.NDArray[np.int64]

LEAST_NORMAL_ROWS = 10
AGREED: Mapping[frozenset[str], str] = {
    frozenset({"0", "1"}): "0",
    frozenset({"false", "true"}): "false",
    frozenset({"-1", "1"}): "1",
}
"""Pairs of labels of which it is agreed which one is normal."""


def compare(
    X: Any,
    y: Any,
    *,
    methods: Sequence[Any] | Mapping[str, Any] = tuple(METHODS),
    normal: Any = None,
    seeds: int | Sequence[int] = 3,
    test_share: float = 0.5,
    random_state: int = 0,
    contaminated: bool = False,
    max_rows: int | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Comparison:
    """Measure methods on a labelled table: each learns from normal rows and is tested on others and all anomalies.

    For each seed a random share of the normal rows is kept to test, the others train. All methods get the same split
    and, but for oddrow's own that read the table, the same :class:`~oddrow.comparison.PlainEncoding` learned from the
    training rows. oddrow's detectors decide by themselves; any other is fitted a second time, on 80 % of the training
    rows, and its threshold is the 1 % conformal one of the other 20 % (of fewer than 99 rows: their second highest
    score). No label is used but to split and to measure.

    Parameters
    ----------
    X
        Table [n, n_columns], as :meth:`oddrow.VAEDetector.fit` takes it.
    y
        The labels [n], or the name of the column of ``X`` that holds them; that column is never learned from.
    methods
        What :func:`~oddrow.comparison.method_of` takes: names, scikit-learn's and PyOD's detectors, objects; or a
        mapping of names to these. By default all of ``oddrow.comparison.METHODS``.
    normal
        The label of normal rows. Without it 0, false, or 1 beside -1 is normal.
    seeds
        How many splits, or their seeds. With one there is no interval.
    test_share
        Share of the normal rows that test.
    random_state
        Whole number >= 0; beside each seed the source of all randomness.
    contaminated
        All rows train, and all are tested: the odd ones are in the training table. Then a method without a decision of
        its own flags the oddest 1 %, and seeds differ by the methods' own randomness alone.
    max_rows
        At most so many rows of the table, drawn at random, normal and odd ones in their proportion.
    on_progress
        Called as ``on_progress(fits_done, fits_in_all, method)`` before each method of each seed.

    Raises
    ------
    DataError
        If the labels are not one a row, or there are fewer than 10 normal rows, or no anomaly.
    SettingError
        If an argument has no meaning.
    MissingExtraError
        If a method needs PyOD and it is not installed.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(300, 2))
    >>> labels = np.arange(300) >= 290
    >>> rows[labels] += 4
    >>> comparison = oddrow.compare(rows, labels, methods=["knn1", "iforest", "ecod"])
    >>> [(row.method, round(row.auroc.mean, 2)) for row in comparison.summary]
    [('iforest', 1.0), ('ecod', 1.0), ('knn1', 1.0)]
    """
    chosen = checked_methods(methods)
    numbers = checked_seeds(seeds)
    if not 0.0 < test_share < 1.0:
        raise SettingError(f"test_share is {test_share!r}; give a share between 0 and 1")
    if not isinstance(random_state, int | np.integer) or random_state < 0:
        raise SettingError(f"random_state is {random_state!r}; give a whole number >= 0")
    labelled = _thinned(labelled_table(X, y, normal), max_rows, random_state)
    _check_counts(labelled.is_normal)
    runs: list[MethodRun] = []
    for seed in numbers:
        rng = np.random.default_rng([random_state, seed])
        train, test = _split(labelled.is_normal, test_share, contaminated, rng)
        rows = encoded_rows(labelled.table, train)
        fit_seed = int(rng.integers(2**31))
        for method in chosen:
            if on_progress is not None:
                on_progress(len(runs), len(numbers) * len(chosen), method.name)
            runs.append(
                run_method(
                    method,
                    rows.take(train),
                    rows.take(test),
                    ~labelled.is_normal[test],
                    seed=seed,
                    fit_seed=fit_seed,
                    tests_training=contaminated,
                )
            )
    n_rows, n_anomalies = len(labelled.is_normal), int(np.sum(~labelled.is_normal))
    return Comparison(tuple(runs), numbers, n_rows, n_anomalies, len(train), len(test), contaminated)


def encoded_rows(table: pa.Table, train: Indices) -> MethodRows:
    """All rows of a table, encoded by what its training rows show; what is empty in these is left out for all methods.

    Raises
    ------
    DataError
        If no column is left, or a column cannot be read.
    """
    training = table.take(train)
    filled = [name for name in table.column_names if training.column(name).null_count < len(train)]
    table, training = table.select(filled), training.select(filled)
    if not filled:
        raise DataError("no column has a value in any training row; there is nothing to learn from")
    schema = TableSchema.infer(without_infinity(training))
    return MethodRows(table, PlainEncoding.learn(schema, training).encode(table))


def checked_methods(methods: Sequence[Any] | Mapping[str, Any]) -> tuple[Method, ...]:
    """The methods that are meant, each under a name of its own.

    Raises
    ------
    SettingError, MissingExtraError
        If there is none, one means nothing, two have one name, or PyOD is not there.
    """
    chosen: list[Method]
    if isinstance(methods, Mapping):
        chosen = [_Renamed(str(name), method_of(what)) for name, what in methods.items()]
    elif isinstance(methods, str) or not isinstance(methods, Sequence):
        chosen = [method_of(methods)]
    else:
        chosen = [method_of(what) for what in methods]
    names = [method.name for method in chosen]
    if not names:
        raise SettingError(f"methods is empty; choose from {', '.join(METHODS)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingError(f"methods are named twice: {', '.join(twice)}; give a mapping of names to methods")
    return tuple(chosen)


@dataclass(frozen=True)
class _Renamed:
    """A method under another name."""

    name: str
    method: Method

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        return self.method.fit(rows, seed)


def checked_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """The seeds that are meant: a count, or each one.

    Raises
    ------
    SettingError
        If there is none, or one is no whole number >= 0, or one comes twice.
    """
    numbers = tuple(range(seeds)) if isinstance(seeds, int | np.integer) else tuple(seeds)
    if not numbers or any(not isinstance(seed, int | np.integer) or seed < 0 for seed in numbers):
        raise SettingError(f"seeds is {seeds!r}; give how many splits (at least 1), or whole numbers >= 0")
    if len(set(numbers)) < len(numbers):
        raise SettingError(f"seeds is {seeds!r}; the same split twice says nothing new")
    return tuple(int(seed) for seed in numbers)


def labelled_table(X: Any, y: Any, normal: Any = None) -> LabelledTable:
    """The table without its labels, and which rows are normal; ``y`` and ``normal`` as for :func:`compare`.

    Raises
    ------
    DataError
        If the labels are not one a row, or do not tell which rows are normal.
    SettingError
        If it is not said which label is normal, and not agreed on either.
    """
    table = as_table(X)
    name = y
    if not isinstance(y, str):
        labels = as_table({"y": y})
        if labels.num_rows != table.num_rows:
            raise DataError(f"y has {labels.num_rows} labels, and the table {table.num_rows} rows; give one a row")
        name = "y"
        while name in table.column_names:
            name += "_"
        table = table.append_column(name, labels.column("y"))
    if normal is None:
        normal_text = _agreed_normal(table, name)
    else:
        normal_text = normal if isinstance(normal, str) else as_texts(as_table({"y": [normal]}).column("y"))[0].as_py()
    return split_label(table, name, normal_text)


def _agreed_normal(table: pa.Table, name: str) -> str:
    if name not in table.column_names:
        return ""  # which the reading of the labels tells
    found = frozenset(as_texts(table.column(name)).unique().to_pylist())
    agreed = frozenset(_usual("" if label is None else label) for label in found)
    if agreed in AGREED:
        return AGREED[agreed]
    shown = ", ".join(sorted(map(repr, found))[:8]) + (", ..." if len(found) > 8 else "")
    raise SettingError(
        f"which label is normal? the labels are {shown}", remedy=remedy("say it with ", Setting("normal"))
    )


def _usual(label: str) -> str:
    """A label as it is usually written: 0 for 0.0, true for True."""
    text = label.strip().lower()
    if text in ("0.0", "1.0", "-1.0", "+1"):
        return text.removesuffix(".0").removeprefix("+")
    return text if text in ("0", "1", "-1", "true", "false") else label


def _thinned(labelled: LabelledTable, max_rows: int | None, random_state: int) -> LabelledTable:
    """At most so many rows at random, normal and odd ones in proportion, in their order."""
    if max_rows is None or len(labelled.is_normal) <= max_rows:
        return labelled
    if max_rows < 1:
        raise SettingError(f"max_rows is {max_rows!r}; give a whole number >= 1, or None")
    rng = np.random.default_rng(random_state)
    parts = []
    for group in (labelled.is_normal, ~labelled.is_normal):
        index = np.flatnonzero(group)
        kept = min(max(round(max_rows * len(index) / len(group)), 1), len(index))
        parts.append(rng.choice(index, kept, replace=False))
    rows = np.sort(np.concatenate(parts))
    return LabelledTable(labelled.table.take(rows), labelled.labels[rows], labelled.is_normal[rows])


def _check_counts(is_normal: Flags) -> None:
    n_normal = int(np.sum(is_normal))
    if n_normal < LEAST_NORMAL_ROWS:
        raise DataError(f"the table has {n_normal} normal rows; a comparison takes at least {LEAST_NORMAL_ROWS}")
    if n_normal == len(is_normal):
        raise DataError("every row is labelled normal; a comparison by labels takes at least one anomaly")


def _split(
    is_normal: Flags, test_share: float, contaminated: bool, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Rows that train, and rows that test, each ascending."""
    if contaminated:
        return np.arange(len(is_normal)), np.arange(len(is_normal))
    normal = rng.permutation(np.flatnonzero(is_normal))
    n_test = int(np.clip(round(test_share * len(normal)), 1, len(normal) - 2))
    test = np.concatenate([normal[:n_test], np.flatnonzero(~is_normal)])
    return np.sort(normal[n_test:]), np.sort(test)
