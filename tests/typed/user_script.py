"""What a user's type checker sees: every public name is used after a bare ``import oddrow``, and nothing is run."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import oddrow


def fit_and_score(X: Any, path: Path) -> npt.NDArray[np.float64]:
    detector = assert_type(oddrow.VAEDetector(random_state=0).fit(X), oddrow.VAEDetector)
    plain = assert_type(oddrow.AutoencoderDetector(contamination=0.1).fit(X), oddrow.AutoencoderDetector)
    oddrow.save(detector, path, force=True)
    loaded = assert_type(oddrow.load(path), oddrow.VAEDetector | oddrow.AutoencoderDetector)
    oddrow.export_onnx(plain, path, force=True)
    oddrow.find(X, detector, top=5).strangest[0].reasons[0].column.upper()
    return assert_type(loaded.surprise(X), npt.NDArray[np.float64])


def decide(detector: oddrow.VAEDetector, X: Any) -> npt.NDArray[np.bool_]:
    policies = (
        oddrow.FalseAlarmRate(0.01),
        oddrow.AlertBudget(50, per=10_000),
        oddrow.FalseDiscoveryRate(0.1),
        oddrow.FixedSurprise(6.9),
    )
    for policy in policies:
        detector.set_policy(policy)
    kinds: tuple[type, ...] = (oddrow.Cost,)
    assert kinds
    return detector.decide(X, policies[0]).is_odd


def compare(X: Any, y: Any) -> list[str]:
    best = oddrow.compare(X, y, methods=["oddrow", "knn1"]).summary[0]
    ranking = oddrow.rank_without_labels(X, methods=["knn1", "ecod"])
    tuning = oddrow.tune(X, candidates={"default": oddrow.VAEDetector()})
    metrics = oddrow.metrics.detection_metrics(y, y, y)
    assert_type(metrics, oddrow.metrics.DetectionMetrics)
    figures = assert_type(oddrow.metrics.sequence_metrics(y, y, y), oddrow.metrics.SequenceMetrics)
    assert_type(oddrow.metrics.vus_pr(y, y, max_buffer=10), float | None)
    assert_type(oddrow.metrics.affiliation_precision(y, [(3, 5)], (0, 10)), float | None)
    assert_type(oddrow.metrics.affiliation_recall(y, y), float | None)
    found = assert_type(oddrow.metrics.events_found(y, y, 2, days=7), oddrow.metrics.EventsFound)
    assert figures.events == found.events
    return [best.method, *ranking.sentences, *tuning.sentences]


def score_files(detector: oddrow.VAEDetector, path: Path) -> None:
    options = oddrow.files.ReadingOptions(delimiter=";")
    stream = assert_type(oddrow.files.open(path, options), oddrow.files.TableStream)
    for batch in oddrow.batch.scored_batches(detector.model_, stream, top=3):
        oddrow.files.write_table(batch, path)


def windows(rows: Any) -> str:
    spec = oddrow.sequences.Windows("at", entity="machine", span="10min", step="1min")
    plan = assert_type(spec.learn(rows), oddrow.sequences.WindowPlan)
    assert plan.table(rows).num_rows
    return plan.words("pressure.trend")


def add_history(rows: Any, path: Path) -> int:
    plan = assert_type(
        oddrow.sequences.EntityHistory(entity="card", time="at").learn(rows), oddrow.sequences.HistoryPlan
    )
    run = plan.begin()
    oddrow.sequences.write_state(path, run.state, plan)
    run = plan.begin(oddrow.sequences.read_state(path, plan))
    return len(run.feed(rows).row)


def score_by_engines(rows: Any, detector: oddrow.VAEDetector, path: Path) -> None:
    oddrow.distributed.score_ray(rows, detector)
    oddrow.distributed.score_spark(rows, detector)
    oddrow.distributed.score_dask(rows, detector)
    scored = oddrow.distributed.score_files(path, detector, path, engine="ray")
    assert_type(scored, oddrow.distributed.ScoredFiles)
    oddrow.distributed.fit_ray(rows, detector)
    oddrow.distributed.fit_spark(rows, detector)
    oddrow.distributed.fit_dask(rows, detector)
    oddrow.distributed.fit_files(path, detector, engine="dask")


def events(times: Any, surprise: Any) -> tuple[oddrow.sequences.Event, ...]:
    merging = oddrow.sequences.EventMerging(max_gap=16)
    merging.feed(times, surprise, surprise > 5)
    merged = assert_type(
        oddrow.sequences.merge_events(times, surprise, surprise > 5), tuple[oddrow.sequences.Event, ...]
    )
    return oddrow.sequences.strongest_events((*merged, *merging.close()), 5)


def data(path: Path) -> int:
    connections = assert_type(oddrow.datasets.make_connections(10), oddrow.datasets.Connections)
    payments = assert_type(oddrow.datasets.make_card_payments(10), oddrow.datasets.CardPayments)
    sensors = assert_type(oddrow.datasets.make_sensors(1, events_per_day=4), oddrow.datasets.Sensors)
    first = assert_type(sensors.events[0], oddrow.datasets.SensorEvent)
    kinds = (*oddrow.datasets.ODDNESS_KINDS, *oddrow.datasets.PAYMENT_ODDNESS_KINDS, first.kind)
    kinds = (*kinds, *oddrow.datasets.SENSOR_EVENT_KINDS)
    rows = oddrow.reproductions.read_connections(oddrow.reproductions.kddcup99_file())
    result = assert_type(oddrow.reproductions.reproduce_kddcup99(rows), oddrow.reproductions.KddResult)
    oddrow.reproductions.reproduce_latent_space(seed=0)
    return len(kinds) + int(connections.is_odd.sum()) + int(payments.is_odd.sum()) + result.seed


def errors() -> tuple[type[Exception], ...]:
    tables = (oddrow.exceptions.DataError, oddrow.exceptions.TableReadError, oddrow.exceptions.SchemaMismatchError)
    fits = (
        oddrow.exceptions.TrainingError,
        oddrow.exceptions.TrainingHealthWarning,
        oddrow.exceptions.DependenceWarning,
    )
    files = (oddrow.exceptions.ModelFileError, oddrow.exceptions.CheckpointError, oddrow.exceptions.OutputError)
    others = (oddrow.exceptions.SettingError, oddrow.exceptions.DownloadError, oddrow.exceptions.MissingExtraError)
    return (oddrow.exceptions.OddrowError, *tables, *fits, *files, *others)
