"""Whether the tests protect the model: each named mutant of the source must turn the suite red.

A mutant is one line changed as a slip of the pen might, or a release of another library did. The tests that should see
it run first; only a mutant that survives them meets the whole suite. ``python -m benchmarks mutants [NAME ...]``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    *("src", "tests", "testing", "benchmarks", "examples", "docs"),
    *("conftest.py", "pyproject.toml", "README.md", "constraints.txt"),
)
LONGEST_SECONDS = 1_800.0


@dataclass(frozen=True)
class Mutant:
    """``old``, which stands once in ``path``, becomes ``new``; ``tests`` should see it."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


FIT, FILES = "tests/detector/test_estimators.py", "tests/artifact/test_model.py"
SCORES = ("tests/calibration", "tests/views", "tests/surprise", "tests/policies", "tests/density")

MUTANTS = (
    Mutant(
        "no parameter update",
        "training/_program.py",
        "return (weights - rate * direction, state,",
        "return (weights, state,",
        ("tests/training",),
    ),
    Mutant(
        "the KL dropped",
        "density/_loss.py",
        "+ kl_weight * xp.sum(kl)",
        "+ 0.0 * xp.sum(kl)",
        ("tests/density",),
    ),
    Mutant(
        "the KL averaged where it is summed",
        "density/_loss.py",
        "+ kl_weight * xp.sum(kl)",
        "+ kl_weight * xp.mean(kl)",
        ("tests/density",),
    ),
    Mutant(
        "nothing sampled in training",
        "density/_loss.py",
        "mean + xp.exp(0.5 * log_variance) * noise if sampled",
        "mean if sampled",
        ("tests/density",),
    ),
    Mutant(
        "the last weights kept, not the best",
        "training/_state.py",
        "is_best = keep_last or self.best < 0 or check.held_out_loss < self.checks[self.best].held_out_loss",
        "is_best = True",
        ("tests/training",),
    ),
    Mutant(
        "the seed ignored",
        "detector/_detector.py",
        "return np.random.default_rng(random_state)",
        "return np.random.default_rng(None)",
        (FIT,),
    ),
    Mutant(
        "the surprise negated",
        "surprise/_surprise.py",
        "surprise = self.calibration.surprise(raw)",
        "surprise = -self.calibration.surprise(raw)",
        (*SCORES, FIT),
    ),
    Mutant(
        "sampling at scoring",
        "density/_density_model.py",
        "outputs = self.decode(mean)",
        "outputs = self.decode(mean + np.exp(0.5 * log_variance) * np.random.normal())",
        (*SCORES, FIT),
    ),
    Mutant(
        "the last block not padded",
        "density/_blocks.py",
        "    padded = np.zeros((BLOCK_ROWS, *block.shape[1:]), block.dtype)",
        "    padded = np.zeros((len(block), *block.shape[1:]), block.dtype)",
        (*SCORES, FIT),
    ),
    Mutant(
        "calibrated on training rows",
        "fitting/_view_learner.py",
        "calibrating = fit.encoding.encode(table.take(split.calibration))",
        "calibrating = fit.encoding.encode(table.take(split.training[: len(split.calibration)]))",
        ("tests/detector", FIT),
    ),
    Mutant(
        "cross-calibrated with the rows of the fit",
        "fitting/_cross_fit.py",
        "held_out = fit.encoding.encode(table.take(fold.held_out))",
        "held_out = fit.encoding.encode(table.take(fold.others[: len(fold.held_out)]))",
        ("tests/detector",),
    ),
    Mutant(
        "the encoding learned from all rows",
        "fitting/_network_fit.py",
        "TableEncoding.learn(data.schema, trained, recipe.style, data.rest)",
        "TableEncoding.learn(data.schema, split.table, recipe.style, data.rest)",
        (FIT,),
    ),
    Mutant(
        "the columns shuffled",
        "views/_basis.py",
        "return ColumnSums(layout.feature_column, layout.n_columns)",
        "return ColumnSums(layout.feature_column[::-1], layout.n_columns)",
        (*SCORES,),
    ),
    Mutant(
        "p-values off by one",
        "calibration/_calibration.py",
        "return np.asarray((1.0 + at_least) / (self.n_rows + 1.0))",
        "return np.asarray((0.0 + at_least) / (self.n_rows + 1.0))",
        (*SCORES,),
    ),
    Mutant(
        "p-values that count only the stranger",
        "calibration/_calibration.py",
        'np.searchsorted(self.scores, raw, side="left")',
        'np.searchsorted(self.scores, raw, side="right")',
        (*SCORES,),
    ),
    Mutant(
        "one false alarm too many",
        "policies/_promise.py",
        "return max(int(np.floor(rate * (calibration.n_rows + 1) + 1e-9)), 1)",
        "return max(int(np.floor(rate * (calibration.n_rows + 1) + 1e-9)), 1) + 1",
        (*SCORES,),
    ),
    Mutant(
        "an interval from one row where two bound it",
        "policies/_promise.py",
        "exceedance_interval(above - 1, n_rows, worth)[0]",
        "exceedance_interval(above, n_rows, worth)[0]",
        (*SCORES,),
    ),
    Mutant(
        "advice that is refused in turn",
        "policies/_promise.py",
        "np.ceil(rate / unit - 1e-9)",
        "np.floor(rate / unit)",
        (*SCORES,),
    ),
    Mutant(
        "a budget without its cap",
        "policies/alert_budget.py",
        "above & (_rank_within(window, rows.surprise) < self.alerts)",
        "above",
        (*SCORES,),
    ),
    Mutant(
        "networks compared without their units",
        "fitting/_view_learner.py",
        "fit.views.of(held_out).in_units(fit.views.units(fit.training))",
        "fit.views.of(held_out)",
        ("tests/detector",),
    ),
    Mutant(
        "false discoveries without their places",
        "policies/false_discovery_rate.py",
        "self.rate * places / (n_rows * penalty)",
        "self.rate * n_rows / (n_rows * penalty)",
        (*SCORES,),
    ),
    Mutant(
        "a tail that is not checked",
        "calibration/_calibration.py",
        "<= constants.max_tail_distance:",
        "<= np.inf:",
        (*SCORES,),
    ),
    Mutant(
        "the presence mask ignored",
        "density/_likelihoods.py",
        "return nats * presence[:, np.asarray(self.layout.gaussian_column, np.int32)]",
        "return nats",
        ("tests/density",),
    ),
    Mutant(
        "novelty forgotten",
        "views/_scales.py",
        "np.asarray(column + self.novelty)",
        "np.asarray(column)",
        (*SCORES,),
    ),
    Mutant(
        "learned weights without a new calibration",
        "surprise/_surprise.py",
        "replace(default, scores=np.sort(raw), n_effective=",
        "replace(default, n_effective=",
        ("tests/feedback", "tests/surprise"),
    ),
    Mutant(
        "learned factors of columns without an effect",
        "surprise/_reweighting.py",
        "(rows.shares * self.columns).sum(axis=1)",
        "rows.shares.sum(axis=1)",
        ("tests/feedback", "tests/surprise"),
    ),
    Mutant(
        "rows of the fit are learned from as if they were new",
        "feedback/_weighing.py",
        "if not known], notes",
        "], notes",
        ("tests/feedback",),
    ),
    Mutant(
        "columns taken by place and not by name",
        "columns/_schema.py",
        "[columns[source] for source in column.reads]",
        "[table.column([c.name for c in self.columns].index(column.name))]",
        ("tests/table", FIT),
    ),
    Mutant(
        "reasons that do not add up",
        "views/_evidence.py",
        "np.maximum(total - column_part.sum(axis=1), 0.0)",
        "combination * 0.0",
        (*SCORES, "tests/explanation"),
    ),
    Mutant(
        "the hash not checked",
        "container/_files.py",
        "    if found != expected:",
        "    if False:",
        (FILES,),
    ),
    Mutant(
        "not saved atomically",
        "files/_atomic.py",
        'with temporary.open("xb") as file:',
        'temporary = target; target.unlink(missing_ok=True)\n        with temporary.open("xb") as file:',
        ("tests/files/test_atomic.py", "tests/artifact/test_atomic_saving.py"),
    ),
    Mutant(
        "saved without reaching the disk",
        "files/_atomic.py",
        "            os.fsync(file.fileno())\n",
        "",
        ("tests/files/test_atomic.py", "tests/artifact/test_atomic_saving.py"),
    ),
    Mutant(
        "a resumed fit without its optimiser",
        "training/_checkpoint.py",
        "jax.tree.unflatten(structure, [jnp.asarray(leaf) for leaf in optimiser])",
        "template.optimiser",
        ("tests/training",),
    ),
    Mutant(
        "a collapse not seen",
        "density/_health.py",
        "is_silent = health.n_active == 0 or sum(health.kl) < COLLAPSED_KL",
        "is_silent = False",
        ("tests/density", "tests/training"),
    ),
    Mutant(
        "nothing set aside",
        "fitting/_cleaning.py",
        "        is_kept[list(self.rows_set_aside)] = False\n",
        "",
        ("tests/detector",),
    ),
    Mutant(
        "found by a model that saw the row",
        "detector/_find.py",
        "rows.take(np.flatnonzero(fold != part))",
        "rows.take(np.flatnonzero(fold != part + 1))",
        ("tests/detector",),
    ),
    Mutant(
        "a part holds back rows of the sample",
        "table/_row_sample.py",
        "(self.rows + 6 * np.sqrt(self.rows))",
        "(self.rows - 6 * np.sqrt(self.rows))",
        ("tests/detector/test_fit_batches.py",),
    ),
    Mutant(
        "rows that are held back are forgotten",
        "columns/_sampling.py",
        "sample, left_out = self.sample.below(cutoff)\n        "
        "return SampledTable(sample, self.rest.extended(left_out))",
        "sample, left_out = self.sample.below(cutoff)\n        return SampledTable(sample, self.rest)",
        ("tests/detector/test_fit_batches.py", "tests/distributed/test_fitting_files.py"),
    ),
    Mutant(
        "a calibration row is its own neighbour",
        "fitting/_view_learner.py",
        "judge.evidence(calibrating.take(batch), own[batch])",
        "judge.evidence(calibrating.take(batch))",
        ("tests/detector/test_validity.py",),
    ),
    Mutant(
        "the constants of this version, not the file's",
        "artifact/_protocol_1.py",
        "mixed = MixedLikelihood(encoding.layout, manifest.constants)",
        "mixed = MixedLikelihood(encoding.layout)",
        ("tests/test_scoring_constants.py",),
    ),
    Mutant(
        "every file read by the first reader",
        "artifact/_readers.py",
        "return READERS[content.protocol](content)",
        "return READERS[1](content)",
        ("tests/artifact/test_readers.py",),
    ),
    Mutant(
        "view weights without an effect",
        "views/_scales.py",
        "brought = weights * np.expm1(self.nats * self.power)\n        "
        "shares, _ = split_total(power_mean(self.nats, self.power, weights), brought, none)",
        "brought = np.expm1(self.nats * self.power)\n        "
        "shares, _ = split_total(power_mean(self.nats, self.power), brought, none)",
        ("tests/views", "tests/detector/test_parameters.py"),
    ),
    Mutant(
        "missing values outside the sample not counted",
        "columns/_reference.py",
        "int(missing.sum()) + further.n_missing,",
        "int(missing.sum()),",
        ("tests/columns/test_reference.py",),
    ),
    Mutant(
        "a budget that does not ask for all rows",
        "policies/alert_budget.py",
        "Needs(all_rows=True,",
        "Needs(all_rows=False,",
        ("tests/policies", "tests/batch/test_scored_batches.py", "tests/export/test_onnx.py"),
    ),
    Mutant(
        "an error without its way out",
        "exceptions.py",
        "return self.message if self.remedy is None else",
        "return self.message if self.message else",
        ("tests/test_exceptions.py",),
    ),
    Mutant(
        "rows within the gap are learned from",
        "fitting/_folds.py",
        "near |= (position >= there.min() - gap) & (position <= there.max() + gap)",
        "near |= (position >= there.min()) & (position <= there.max())",
        ("tests/fitting/test_folds.py",),
    ),
    Mutant(
        "dependent rows count in full",
        "policies/_promise.py",
        "worth = (n_independent + 1.0) / (n_rows + 1.0)",
        "worth = 1.0",
        ("tests/policies/test_promise.py",),
    ),
    Mutant(
        "a neighbour in time is evidence",
        "views/_occurrences.py",
        "kinds = ((self.positions, self.gap), (self.groups, 0))",
        "kinds = ((self.positions, -1), (self.groups, 0))",
        ("tests/views/test_occurrences.py",),
    ),
    Mutant(
        "a dependence that predicts nothing is evidence",
        "views/_dependence.py",
        "if np.sum(counts * np.log(own_share)) <= np.sum(counts.sum(axis=0) * np.log(own_alone)):",
        "if False:",
        ("tests/views/test_dependence.py",),
    ),
    Mutant(
        "a subset's share split by bare squares",
        "views/_subset_neighbours.py",
        "            squares /= np.where(square > 0, square, 1.0)[:, None]\n",
        "",
        ("tests/views/test_subset_neighbours.py", "tests/surprise"),
    ),
    Mutant(
        "the state of a file is not continued",
        "sequences/_window_plan.py",
        "self.usual_step, state)",
        "self.usual_step, None)",
        ("tests/sequences/test_windows.py",),
    ),
)


def check_applies(mutant: Mutant, root: Path = ROOT) -> str:
    """The source of a mutant's file, in which its text stands once."""
    source = (root / "src" / "oddrow" / mutant.path).read_text(encoding="utf-8")
    if source.count(mutant.old) != 1 or mutant.old == mutant.new:
        raise SystemExit(f"mutant {mutant.name!r}: its text stands {source.count(mutant.old)} times in {mutant.path}")
    return source


def failure(copy: Path, tests: tuple[str, ...]) -> str | None:
    """The first test that fails, or hangs, in this copy of the repository; None where none does."""
    environment = os.environ | {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return "a test that hangs"
    said = done.stdout.decode()
    if done.returncode not in (0, 1):
        sys.exit(f"pytest left with {done.returncode} on {tests}: {said[-2000:]}")
    failed = [line.split()[1] for line in said.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return failed[0] if done.returncode == 1 else None


def copied(folder: str) -> Path:
    copy = Path(folder) / "oddrow"
    copy.mkdir()
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    return copy


def main(arguments: Sequence[str]) -> None:
    """Print who killed each mutant, and leave with 1 if one survives."""
    chosen = [mutant for mutant in MUTANTS if not arguments or mutant.name in arguments]
    print(f"## Mutants ({len(chosen)})")
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(folder)
        tests = tuple(sorted({test for mutant in chosen for test in mutant.tests}))
        red = failure(copy, tests)
        if red is not None:
            sys.exit(f"the tests are red without any mutant: {red}")
        for mutant in chosen:
            path = copy / "src" / "oddrow" / mutant.path
            source = check_applies(mutant)
            path.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
            started = time.perf_counter()
            killer = failure(copy, mutant.tests) or failure(copy, ())
            survivors += killer is None
            seconds = time.perf_counter() - started
            print(f"{mutant.name:<42}{seconds:>5.0f} s  {killer or 'SURVIVES'}", flush=True)
            path.write_text(source, encoding="utf-8")
    print(f"{len(chosen) - survivors} of {len(chosen)} killed")
    if survivors:
        sys.exit(1)
