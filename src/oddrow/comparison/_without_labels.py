"""Ranking of methods on a table of normal rows without labels, by probes made from held-out rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.metrics import average_precision_score, roc_auc_score

from oddrow.columns import TableSchema
from oddrow.comparison._compare import checked_methods, checked_seeds, encoded_rows
from oddrow.comparison._methods import METHODS, Method, MethodRows
from oddrow.comparison._plain_encoding import without_infinity
from oddrow.comparison._probe_kinds import STATED_KINDS, StatedKind
from oddrow.comparison._probe_ranking import ProbeRanking, ProbeRun
from oddrow.comparison._probes import NoProbes, Normals, make_probes
from oddrow.exceptions import DataError, SettingError
from oddrow.table import as_table

MIN_ROWS = 20
"""Minimum number of rows of a table that methods are ranked on."""
HELD_OUT_SHARE = 0.25
"""Share of the rows that are held out; half of them become probes, the others stay normal."""
MAX_HELD_OUT = 2_000
"""Maximum number of held-out rows."""


def rank_without_labels(
    X: Any,
    *,
    methods: Sequence[Any] | Mapping[str, Any] = tuple(METHODS),
    seeds: int | Sequence[int] = 5,
    random_state: int = 0,
    max_rows: int | None = None,
    kinds: Mapping[str, StatedKind] = STATED_KINDS,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> ProbeRanking:
    """Rank methods on a table in which no odd row is known.

    For each seed a quarter of the rows, at most 2,000, is held out, and each method is fitted to the others. Half of
    the held-out rows are changed into odd rows (probes) of the kinds in ``oddrow.comparison.STATED_KINDS``. The AUROC
    of each kind against the other half measures how well a method finds it, and the score of a method is the weighted
    mean of these. The rows of the table should be normal; odd rows among them lower the scores of all methods alike.

    The ranking holds for probes of these kinds, and predicts the ranking on other odd rows only weakly;
    ``docs/without_labels.md`` gives the measurements. With a few dozen labelled rows, :func:`compare` is more reliable.

    Parameters
    ----------
    X
        Table [n, n_columns], as :meth:`oddrow.VAEDetector.fit` takes it, of at least 20 rows.
    methods
        As for :func:`compare`.
    seeds
        The number of splits, or a list of their seeds. With one split there is no interval.
    random_state
        Whole number >= 0; together with each seed it determines all random draws.
    max_rows
        Maximum number of rows; more are reduced to a random sample.
    kinds
        Kinds of probes by name.
    on_progress
        Called as ``on_progress(fits_done, fits_in_all, method)`` before each method of each seed.

    Raises
    ------
    DataError
        If there are fewer than 20 rows, or no kind of probes can be made from the table (such as one column of names).
    SettingError
        If an argument is not valid.
    MissingExtraError
        If a method needs PyOD and it is not installed.

    Examples
    --------
    >>> import numpy as np, oddrow
    >>> rows = np.random.default_rng(0).normal(size=(300, 1)) * [1, 2, 3]  # three columns that depend on each other
    >>> ranking = oddrow.rank_without_labels(rows, methods=["knn1", "ecod"])
    >>> ranking.recommended, ranking.not_told_apart
    ('knn1', ())
    >>> list(ranking.skipped)
    ['unseen']
    """
    chosen = checked_methods(methods)
    numbers = checked_seeds(seeds)
    if not isinstance(random_state, int | np.integer) or random_state < 0:
        raise SettingError(f"random_state is {random_state!r}; give a whole number >= 0")
    if not kinds:
        raise SettingError("kinds is empty; name at least one kind of probes")
    table = _thinned(without_infinity(as_table(X)), max_rows, random_state)
    if table.num_rows < MIN_ROWS:
        raise DataError(f"the table has {table.num_rows} rows; a ranking without labels needs at least {MIN_ROWS}")
    n_held_out = min(round(HELD_OUT_SHARE * table.num_rows), MAX_HELD_OUT)
    splits = [_split(table, n_held_out, kinds, np.random.default_rng([random_state, seed])) for seed in numbers]
    skipped = {kind: why for split in splits for kind, why in split.skipped.items()}
    weights = _checked_weights(kinds, skipped)
    runs: list[ProbeRun] = []
    for seed, split in zip(numbers, splits, strict=True):
        fit_seed = int(np.random.default_rng([random_state, seed, 1]).integers(2**31))
        rows = split.rows()
        for method in chosen:
            if on_progress is not None:
                on_progress(len(runs), len(numbers) * len(chosen), method.name)
            runs.append(_run(method, rows, tuple(weights), seed, fit_seed))
    in_order = {kind: why for kind in kinds if (why := skipped.get(kind)) is not None}
    return ProbeRanking(
        tuple(runs), weights, in_order, numbers, table.num_rows, table.num_rows - n_held_out, n_held_out
    )


def _thinned(table: pa.Table, max_rows: int | None, random_state: int) -> pa.Table:
    if max_rows is not None and max_rows < 1:
        raise SettingError(f"max_rows is {max_rows!r}; give a whole number >= 1, or None")
    if max_rows is None or table.num_rows <= max_rows:
        return table
    drawn = np.random.default_rng(random_state).choice(table.num_rows, max_rows, replace=False)
    return table.take(pa.array(np.sort(drawn)))


def _checked_weights(kinds: Mapping[str, StatedKind], skipped: Mapping[str, str]) -> dict[str, float]:
    weights = {name: stated.weight for name, stated in kinds.items() if name not in skipped}
    if sum(weights.values()) > 0:
        return weights
    if weights:  # only kinds of weight 0 can be made: they count equally
        return dict.fromkeys(weights, 1.0)
    reasons = "; ".join(f"{kind}: {why}" for kind, why in skipped.items())
    raise DataError(f"no probes can be made from this table ({reasons}); a ranking without labels needs probes")


@dataclass(frozen=True, eq=False)
class _Split:
    """Training rows, held-out normal rows and probes by kind, as tables with the same columns."""

    training: pa.Table
    others: pa.Table
    probes: Mapping[str, pa.Table]
    skipped: Mapping[str, str]

    def rows(self) -> dict[str, MethodRows]:
        """Return the tables by name ("training", "others" and the kinds of probes), encoded by the training rows."""
        parts = {"training": self.training, "others": self.others, **self.probes}
        stops = np.cumsum([part.num_rows for part in parts.values()])
        everything = encoded_rows(pa.concat_tables(parts.values()), np.arange(self.training.num_rows))
        places = np.split(np.arange(everything.n_rows), stops[:-1])
        return {name: everything.take(place) for name, place in zip(parts, places, strict=True)}


def _split(table: pa.Table, n_held_out: int, kinds: Mapping[str, StatedKind], rng: np.random.Generator) -> _Split:
    order = rng.permutation(table.num_rows)
    half = n_held_out // 2
    sources, others, training = (
        table.take(pa.array(part)) for part in (order[:half], order[half:n_held_out], np.sort(order[n_held_out:]))
    )
    filled = [name for name in table.column_names if training.column(name).null_count < training.num_rows]
    if not filled:
        raise DataError("no column has a value in any training row; there is nothing to learn from")
    sources, others, training = (part.select(filled) for part in (sources, others, training))
    normals = Normals(sources, pa.concat_tables([training, others]), TableSchema.infer(training))
    probes, skipped = {}, {}
    for name, stated in kinds.items():
        made = make_probes(stated.kind, normals, rng)
        if isinstance(made, NoProbes):
            skipped[name] = made.why
        else:
            probes[name] = made.table
    return _Split(training, others, probes, skipped)


def _run(method: Method, rows: Mapping[str, MethodRows], kinds: Sequence[str], seed: int, fit_seed: int) -> ProbeRun:
    """Run one method on one split; an error that it raises is reported in the result."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            started = time.perf_counter()
            scorer = method.fit(rows["training"], fit_seed)
            seconds = time.perf_counter() - started
            normal = scorer(rows["others"])
            odd = {kind: scorer(rows[kind]) for kind in kinds}
    except Exception as error:  # a method is foreign code; any error of it must not stop the other methods
        return ProbeRun(method.name, seed, {}, {}, None, " ".join(f"{type(error).__name__}: {error}".split()))
    auroc = {kind: _figure(roc_auc_score, normal, scores) for kind, scores in odd.items()}
    precision = {kind: _figure(average_precision_score, normal, scores) for kind, scores in odd.items()}
    return ProbeRun(method.name, seed, auroc, precision, seconds, None)


def _figure(measure: Callable[..., float], normal: npt.NDArray[np.float64], odd: npt.NDArray[np.float64]) -> float:
    is_odd = np.arange(len(normal) + len(odd)) >= len(normal)
    return float(measure(is_odd, np.concatenate([normal, odd])))
