"""Comparison of methods on one labelled table, with the same splits and the same encoded rows for all."""

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
from oddrow.comparison._reported import report_of_split, reported_method
from oddrow.exceptions import DataError, SettingError
from oddrow.remedies import Setting, remedy
from oddrow.report import TriageReport
from oddrow.table import LabelledTable, as_table, as_texts, split_label

Flags: TypeAlias = npt.NDArray[np.bool_]
Indices: TypeAlias = npt.NDArray[np.int64]

MIN_NORMAL_ROWS = 10
"""Minimum number of normal rows of a table that methods are compared on."""
NORMAL_BY_CONVENTION: Mapping[frozenset[str], str] = {
    frozenset({"0", "1"}): "0",
    frozenset({"false", "true"}): "false",
    frozenset({"-1", "1"}): "1",
}
"""Pairs of labels for which a convention says which one is normal."""


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
    report_name: str | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Comparison:
    """Compare methods on a labelled table: each is fitted to normal rows and tested on others and on anomalies.

    For each seed a random share of the normal rows is held out for the test, together with all anomalies; the other
    normal rows are the training rows. All methods get the same split. oddrow's detectors read the table itself; all
    others get the same :class:`~oddrow.comparison.PlainEncoding`, learned from the training rows. oddrow's detectors
    have a decision of their own. Any other method is fitted a second time, to 80 % of the training rows, and its
    threshold is the 1 % conformal threshold of the other 20 % (with fewer than 99 such rows, their second highest
    score). Labels are used only to split and to measure.

    Parameters
    ----------
    X
        Table [n, n_columns], as :meth:`oddrow.VAEDetector.fit` takes it.
    y
        The labels [n], or the name of the column of ``X`` that contains them; that column is never learned from.
    methods
        A list of methods, each as :func:`~oddrow.comparison.method_of` takes it: a name, a detector of scikit-learn or
        PyOD, an object; or a mapping of names to methods. By default all of ``oddrow.comparison.METHODS``.
    normal
        The label of normal rows. Without it, 0 of the labels 0 and 1, false of false and true, and 1 of -1 and 1 is
        normal.
    seeds
        The number of splits, or a list of their seeds. With one split there is no interval.
    test_share
        Share of the normal rows that are held out for the test.
    random_state
        Whole number >= 0; together with each seed it determines all random draws.
    contaminated
        Whether all rows, anomalies included, are both training rows and test rows. A method without a decision of its
        own then flags the 1 % of rows with the highest scores, and seeds differ only in the methods' own randomness.
    max_rows
        Maximum number of rows; more are reduced to a random sample with the same shares of normal rows and anomalies.
    report_name
        What a triage report calls the table; None makes none. The report shows the test rows of the first split with
        their labels, scored by the first of oddrow's detectors among the methods.
    on_progress
        Called as ``on_progress(fits_done, fits_in_all, method)`` before each method of each seed.

    Raises
    ------
    DataError
        If there is not one label per row, if there are fewer than 10 normal rows, or if there is no anomaly.
    SettingError
        If an argument is not valid.
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
    reported = None if report_name is None else reported_method(chosen)
    whole = labelled_table(X, y, normal)
    kept = _thinned(whole.is_normal, max_rows, random_state)
    labelled = whole if kept is None else _taken(whole, kept)
    _check_counts(labelled.is_normal)
    runs: list[MethodRun] = []
    report: TriageReport | None = None
    for seed in numbers:
        rng = np.random.default_rng([random_state, seed])
        train, test = _split(labelled.is_normal, test_share, contaminated, rng)
        rows = encoded_rows(labelled.table, train)
        fit_seed = int(rng.integers(2**31))
        for method in chosen:
            if on_progress is not None:
                on_progress(len(runs), len(numbers) * len(chosen), method.name)
            is_reported = reported is not None and method is reported.method and seed == numbers[0]
            runs.append(
                run_method(
                    reported if reported is not None and is_reported else method,
                    rows.take(train),
                    rows.take(test),
                    ~labelled.is_normal[test],
                    seed=seed,
                    fit_seed=fit_seed,
                    tests_training=contaminated,
                )
            )
            if reported is not None and is_reported and reported.detector is not None:
                tested, numbers_in_table = rows.take(test).table, (test if kept is None else kept[test]) + 1
                is_anomaly = ~labelled.is_normal[test]
                report = report_of_split(
                    reported.detector, tested, is_anomaly, numbers_in_table, report_name or "table"
                )
    n_rows, n_anomalies = len(labelled.is_normal), int(np.sum(~labelled.is_normal))
    return Comparison(tuple(runs), numbers, n_rows, n_anomalies, len(train), len(test), contaminated, report)


def encoded_rows(table: pa.Table, train: Indices) -> MethodRows:
    """Encode all rows of a table with an encoding that is learned from its training rows.

    Columns without a value in any training row are left out, for all methods.

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
    """Return the methods that the argument of :func:`compare` means, each with a different name.

    Raises
    ------
    SettingError
        If there is no method, one is unknown, or two have the same name.
    MissingExtraError
        If PyOD is needed and not installed.
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
        raise SettingError(f"several methods are named {', '.join(twice)}; give a mapping of names to methods")
    return tuple(chosen)


@dataclass(frozen=True)
class _Renamed:
    """A method under another name."""

    name: str
    method: Method

    def fit(self, rows: MethodRows, seed: int) -> Scorer:
        return self.method.fit(rows, seed)


def checked_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that the argument of :func:`compare` means: a number n means 0 to n - 1.

    Raises
    ------
    SettingError
        If there is no seed, one is no whole number >= 0, or one is given twice.
    """
    numbers = tuple(range(seeds)) if isinstance(seeds, int | np.integer) else tuple(seeds)
    if not numbers or any(not isinstance(seed, int | np.integer) or seed < 0 for seed in numbers):
        raise SettingError(f"seeds is {seeds!r}; give a number of splits (at least 1), or a list of whole numbers >= 0")
    if len(set(numbers)) < len(numbers):
        raise SettingError(f"seeds is {seeds!r}; give each seed once")
    return tuple(int(seed) for seed in numbers)


def labelled_table(X: Any, y: Any, normal: Any = None) -> LabelledTable:
    """Split a table into its columns and its labels; ``y`` and ``normal`` are as for :func:`compare`.

    Raises
    ------
    DataError
        If there is not one label per row, or the labels do not say which rows are normal.
    SettingError
        If ``normal`` is None and no convention says which label is normal.
    """
    table = as_table(X)
    name = y
    if not isinstance(y, str):
        labels = as_table({"y": y})
        if labels.num_rows != table.num_rows:
            raise DataError(
                f"y has {labels.num_rows} labels, and the table has {table.num_rows} rows; give one label per row"
            )
        name = "y"
        while name in table.column_names:
            name += "_"
        table = table.append_column(name, labels.column("y"))
    if normal is None:
        normal_text = _normal_by_convention(table, name)
    else:
        normal_text = normal if isinstance(normal, str) else as_texts(as_table({"y": [normal]}).column("y"))[0].as_py()
    return split_label(table, name, normal_text)


def _normal_by_convention(table: pa.Table, name: str) -> str:
    if name not in table.column_names:
        return ""  # split_label raises the error for a missing column
    found = frozenset(as_texts(table.column(name)).unique().to_pylist())
    written = frozenset(_usual("" if label is None else label) for label in found)
    if written in NORMAL_BY_CONVENTION:
        return NORMAL_BY_CONVENTION[written]
    shown = ", ".join(sorted(map(repr, found))[:8]) + (", ..." if len(found) > 8 else "")
    raise SettingError(
        f"which label is normal? the labels are {shown}", remedy=remedy("say it with ", Setting("normal"))
    )


def _usual(label: str) -> str:
    """Return a label in its usual spelling: 0 for 0.0, true for True."""
    text = label.strip().lower()
    if text in ("0.0", "1.0", "-1.0", "+1"):
        return text.removesuffix(".0").removeprefix("+")
    return text if text in ("0", "1", "-1", "true", "false") else label


def _thinned(is_normal: Flags, max_rows: int | None, random_state: int) -> Indices | None:
    """Draw at most ``max_rows`` rows, in their order and with the same shares of normal rows and anomalies.

    Returns their indices, ascending; None for all rows.
    """
    if max_rows is None or len(is_normal) <= max_rows:
        return None
    if max_rows < 1:
        raise SettingError(f"max_rows is {max_rows!r}; give a whole number >= 1, or None")
    rng = np.random.default_rng(random_state)
    parts = []
    for group in (is_normal, ~is_normal):
        index = np.flatnonzero(group)
        kept = min(max(round(max_rows * len(index) / len(group)), 1), len(index))
        parts.append(rng.choice(index, kept, replace=False))
    return np.sort(np.concatenate(parts))


def _taken(labelled: LabelledTable, rows: Indices) -> LabelledTable:
    return LabelledTable(labelled.table.take(rows), labelled.labels[rows], labelled.is_normal[rows])


def _check_counts(is_normal: Flags) -> None:
    n_normal = int(np.sum(is_normal))
    if n_normal < MIN_NORMAL_ROWS:
        raise DataError(f"the table has {n_normal} normal rows; a comparison needs at least {MIN_NORMAL_ROWS}")
    if n_normal == len(is_normal):
        raise DataError("every row is labelled normal; a comparison by labels needs at least one anomaly")


def _split(
    is_normal: Flags, test_share: float, contaminated: bool, rng: np.random.Generator
) -> tuple[Indices, Indices]:
    """Return the numbers of the training rows and of the test rows, each ascending."""
    if contaminated:
        return np.arange(len(is_normal)), np.arange(len(is_normal))
    normal = rng.permutation(np.flatnonzero(is_normal))
    n_test = int(np.clip(round(test_share * len(normal)), 1, len(normal) - 2))
    test = np.concatenate([normal[:n_test], np.flatnonzero(~is_normal)])
    return np.sort(normal[n_test:]), np.sort(test)
