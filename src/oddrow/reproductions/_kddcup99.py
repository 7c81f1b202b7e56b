"""KDD Cup 1999: the article's experiment, and three further protocols without its leak of test rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow import files
from oddrow.columns import TableEncoding, TableSchema
from oddrow.density import LearningCurve
from oddrow.detector import AutoencoderDetector, VAEDetector
from oddrow.exceptions import DataError, DownloadError, SettingError
from oddrow.files import ReadingOptions
from oddrow.metrics import detection_metrics
from oddrow.remedies import Setting, remedy
from oddrow.reproductions._kddcup99_names import COLUMNS, FAMILY, SYMBOLIC

Protocol = Literal["article", "clean", "dagmm", "official"]
PROTOCOLS: tuple[Protocol, ...] = ("article", "clean", "dagmm", "official")

FILE_NAME = "kddcup.data_10_percent.gz"
ADDRESS = "https://kdd.ics.uci.edu/databases/kddcup99/kddcup.data_10_percent.gz"
CHECKSUM = "8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561"

LABEL = "label"
NORMAL = "normal."
ARTICLE_ATTACKS = 19_456
"""Number of attacks in the article's test: the first ones in the file, as many as there are normal test rows."""


@dataclass(frozen=True)
class KddFamily:
    """Number of test rows of one attack family, and the share of them that is flagged."""

    rows: int
    recall: float | None


@dataclass(frozen=True)
class KddSeconds:
    """Wall-clock seconds of each stage."""

    read: float
    fit: float
    score: float


@dataclass(frozen=True)
class KddResult:
    """The result of one run: its metrics, and the arrays that the maps are drawn from (not part of :meth:`figures`).

    ``threshold`` is in nats of surprise. The protocol ``dagmm`` flags the fifth of the rows with the highest surprise;
    there the threshold is the surprise above which that fifth lies.
    """

    protocol: str
    settings: str
    detector: str
    seed: int
    promise: str
    rows_train: int
    rows_test: int
    rows_test_normal: int
    threshold: float
    flagged_share: float
    auroc: float | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float
    false_alarm_rate: float | None
    by_family: dict[str, KddFamily]
    seconds: KddSeconds
    surprise: npt.NDArray[np.float64]
    is_odd: npt.NDArray[np.bool_]
    is_anomaly: npt.NDArray[np.bool_]
    latent_map: npt.NDArray[np.float64]
    learning_curve: LearningCurve

    def figures(self) -> dict[str, Any]:
        """Return all metrics as plain values, ready for JSON."""
        drawn = {"surprise", "is_odd", "is_anomaly", "latent_map", "learning_curve"}
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in drawn}
        kept["by_family"] = {name: asdict(family) for name, family in self.by_family.items()}
        kept["seconds"] = asdict(self.seconds)
        return kept


@dataclass(frozen=True)
class _Rows:
    """Training rows; test rows with their true labels and attack kinds; rows that the article's encoding scales by."""

    train: pa.Table
    test: pa.Table
    is_anomaly: npt.NDArray[np.bool_]
    test_labels: npt.NDArray[Any]
    encode_from: pa.Table | None = None
    flagged_share: float | None = None


def reproduce_kddcup99(
    data: str | Path | None = None,
    test: str | Path | None = None,
    *,
    protocol: Protocol = "article",
    settings: str = "default",
    detector: str = "vae",
    seed: int = 0,
    time: Literal["order"] | None = None,
    on_progress: Callable[[int, int, float], None] | None = None,
    on_note: Callable[[str], None] = lambda _: None,
) -> KddResult:  # long: most of it documents the parameters and fills the fields of the result
    """Run one protocol of the KDD Cup 1999 experiment.

    Parameters
    ----------
    data
        The 10 % file. By default it is read from ``$ODDROW_DATA/kddcup99/``, or downloaded if it is not there.
    test
        The competition's test file ``corrected``; required by the protocol "official", refused by all others.
    protocol
        "article": the training rows are the first 80 % of the normal rows; the test rows are the other normal rows and
        as many attacks, the first ones in the file.
        "clean": duplicates are dropped; the training rows are a random 80 % of the normal rows, the test rows all
        others.
        "dagmm": the rows are split at random into halves; the training rows are the attacks of one half, the test rows
        are the other half. *Normal* is the anomaly (a fifth of the rows), and the fifth with the highest surprise is
        flagged.
        "official": the training rows are all normal rows, the test rows those of the given file.
    settings
        "default" or "article".
    detector
        "vae" or "autoencoder".
    seed
        Seed of the split and of the fit.
    time
        "order" calibrates by blocks of the training rows in the order of the file, which is that of time; the protocol
        "clean", whose rows are drawn at random, has no such order.
    on_progress
        As for the detectors.
    on_note
        Receives messages for the user, such as that a download starts.

    Raises
    ------
    SettingError
        If an argument is not valid.
    DataError
        If a file has other columns.
    DownloadError
        If the file is missing and cannot be downloaded.
    """
    if protocol not in PROTOCOLS:
        raise SettingError(f"protocol is {protocol!r}; choose from {', '.join(PROTOCOLS)}")
    if (test is None) == (protocol == "official"):
        raise SettingError(
            "a file to test with goes with the official protocol, which needs one, and with no other",
            remedy=remedy("give ", Setting("test"), " and ", Setting("protocol", "official"), " together"),
        )
    if time is not None and (time != "order" or protocol == "clean"):
        raise SettingError(
            f"time is {time!r} with the protocol {protocol!r}; only 'order' is known, and not with 'clean'"
        )
    started = perf_counter()
    table = read_connections(kddcup99_file(on_note) if data is None else data)
    rows = _protocol_rows(protocol, table, test, seed)
    read_seconds = perf_counter() - started

    started = perf_counter()
    model = _fitted(rows, settings, detector, seed, time, on_progress)
    fit_seconds = perf_counter() - started

    started = perf_counter()
    surprise = model.surprise(rows.test)
    threshold = -float(model.offset_)
    if rows.flagged_share is not None:
        threshold = float(np.quantile(surprise, 1.0 - rows.flagged_share, method="higher"))
    is_odd = surprise > threshold
    score_seconds = perf_counter() - started
    figures = detection_metrics(rows.is_anomaly, surprise, is_odd)
    return KddResult(
        protocol=protocol,
        settings=settings,
        detector=detector,
        seed=seed,
        promise=str(model.model_.policy.promise(model.model_.calibration)),
        rows_train=rows.train.num_rows,
        rows_test=rows.test.num_rows,
        rows_test_normal=int(np.sum(rows.test_labels == NORMAL)),
        threshold=threshold,
        flagged_share=figures.flagged_share,
        auroc=figures.auroc,
        average_precision=figures.average_precision,
        precision=figures.precision,
        recall=figures.recall,
        f1=figures.f1,
        accuracy=figures.accuracy,
        false_alarm_rate=figures.false_alarm_rate,
        by_family=_by_family(rows.test_labels, is_odd),
        seconds=KddSeconds(round(read_seconds, 2), round(fit_seconds, 2), round(score_seconds, 2)),
        surprise=surprise,
        is_odd=is_odd,
        is_anomaly=rows.is_anomaly,
        latent_map=model.latent_map(rows.test),
        learning_curve=model.model_.network.learning_curve,
    )


def kddcup99_file(on_note: Callable[[str], None] = lambda _: None) -> Path:
    """Return the path of the 10 % file: in ``$ODDROW_DATA/kddcup99/``, else in the user's cache, downloaded if needed.

    Raises
    ------
    DownloadError
        If the file is missing and cannot be downloaded; the message names its address and where to put it.
    """
    folder = os.environ.get("ODDROW_DATA")
    if folder and (Path(folder) / "kddcup99" / FILE_NAME).is_file():
        return Path(folder) / "kddcup99" / FILE_NAME
    import pooch  # loads a network library, so only when the file is not in the folder

    cache = Path(pooch.os_cache("oddrow"))
    if not (cache / FILE_NAME).is_file():
        on_note(f"downloading {ADDRESS} (2 MB) to {cache}")
    try:
        pooch.get_logger().setLevel("ERROR")
        return Path(pooch.retrieve(ADDRESS, known_hash=f"sha256:{CHECKSUM}", fname=FILE_NAME, path=cache))
    except (OSError, ValueError) as error:
        raise DownloadError(
            f"the KDD Cup 1999 file cannot be downloaded from {ADDRESS} ({type(error).__name__})",
            remedy=remedy(
                f"fetch it by other means (sha256 {CHECKSUM}) and give it with ",
                Setting("data"),
                ", or put it into $ODDROW_DATA/kddcup99/",
            ),
        ) from error


def read_connections(path: str | Path) -> pa.Table:
    """Read the 41 columns and the label of a file of the competition (CSV without header, plain or gzipped).

    Raises
    ------
    DataError
        If the file does not have these columns.
    """
    options = ReadingOptions(_format(path), ",", (*COLUMNS, LABEL))
    written = files.open(path, options).read()
    table = pa.table({name: _typed(written.column(name)) for name in written.column_names})
    if not pc.any(pc.equal(pc.cast(table.column(LABEL), pa.string()), NORMAL)).as_py():
        raise DataError(f"{path}: is no labelled file of KDD Cup 1999: its last column never contains {NORMAL!r}")
    return table


def _typed(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as whole numbers or as numbers where all its texts are such."""
    for kind in (pa.int64(), pa.float64()):
        try:
            return pc.cast(texts, kind)
        except pa.ArrowInvalid:
            continue
    return texts


def _format(path: str | Path) -> str:
    """Return the format, since the names of the competition's files end in .gz at most, not in .csv."""
    return "csv.gz" if str(path).endswith(".gz") else "csv"


def _protocol_rows(protocol: Protocol, table: pa.Table, test: str | Path | None, seed: int) -> _Rows:
    if protocol == "article":
        return _article(table)
    if protocol == "clean":
        return _clean(table, np.random.default_rng(seed))
    if protocol == "dagmm":
        return _dagmm(table, np.random.default_rng(seed))
    assert test is not None  # noqa: S101 - checked by the caller
    return _tested(table.filter(_is_normal(table)), read_connections(test))


def _article(table: pa.Table) -> _Rows:
    is_normal = np.asarray(_is_normal(table))
    normals, attacks = table.filter(pa.array(is_normal)), table.filter(pa.array(~is_normal))
    n_train = int(0.8 * normals.num_rows)
    test = pa.concat_tables([normals.slice(n_train), attacks.slice(0, ARTICLE_ATTACKS)])
    # the article scales by all rows, test rows included; the other protocols learn only from training rows
    return _tested(normals.slice(0, n_train), test, encode_from=table)


def _clean(table: pa.Table, rng: np.random.Generator) -> _Rows:
    distinct = table.group_by(table.column_names, use_threads=False).aggregate([])
    is_normal = np.asarray(_is_normal(distinct))
    normals = rng.permutation(np.flatnonzero(is_normal))
    n_train = int(0.8 * len(normals))
    test = np.concatenate([normals[n_train:], np.flatnonzero(~is_normal)])
    return _tested(distinct.take(np.sort(normals[:n_train])), distinct.take(np.sort(test)))


def _dagmm(table: pa.Table, rng: np.random.Generator) -> _Rows:
    """Test on half of all rows, as in the paper, so that a fifth of them are anomalies, as its rule assumes."""
    order = rng.permutation(table.num_rows)
    half = table.num_rows // 2
    first, second = table.take(np.sort(order[:half])), table.take(np.sort(order[half:]))
    rows = _tested(first.filter(pc.invert(_is_normal(first))), second)
    return _Rows(rows.train, rows.test, ~rows.is_anomaly, rows.test_labels, flagged_share=0.2)


def _tested(train: pa.Table, test: pa.Table, encode_from: pa.Table | None = None) -> _Rows:
    labels = np.asarray(test.column(LABEL).to_pylist(), dtype=object)
    return _Rows(
        train.drop_columns([LABEL]),
        test.drop_columns([LABEL]),
        labels != NORMAL,
        labels,
        None if encode_from is None else encode_from.drop_columns([LABEL]),
    )


def _is_normal(table: pa.Table) -> pa.ChunkedArray:
    return pc.equal(table.column(LABEL), NORMAL)


def _fitted(
    rows: _Rows,
    settings: str,
    detector: str,
    seed: int,
    time: str | None,
    on_progress: Callable[[int, int, float], None] | None,
) -> VAEDetector | AutoencoderDetector:
    if detector not in ("vae", "autoencoder"):
        raise SettingError(f"detector is {detector!r}; choose from 'vae', 'autoencoder'")
    kind = VAEDetector if detector == "vae" else AutoencoderDetector
    encoding = None
    if settings == "article":
        symbolic = dict.fromkeys(SYMBOLIC, "category")
        source = rows.train if rows.encode_from is None else rows.encode_from
        # the constant column is scaled as a number, like all other columns that are not symbolic
        numbers = {name: "number" for name in COLUMNS if name not in SYMBOLIC}
        encoding = TableEncoding.learn(TableSchema.infer(source, symbolic | numbers), source, style="article")
    fitted = kind(settings=settings, encoding=encoding, random_state=seed, time=time, on_progress=on_progress)
    return fitted.fit(rows.train)


def _by_family(labels: npt.NDArray[Any], is_odd: npt.NDArray[np.bool_]) -> dict[str, KddFamily]:
    families = np.asarray([FAMILY.get(label, "unknown") for label in labels], dtype=object)
    named = ["dos", "probe", "r2l", "u2r", *(["unknown"] if "unknown" in families else [])]
    return {
        name: KddFamily(
            int(np.sum(families == name)),
            float(np.mean(is_odd[families == name])) if np.any(families == name) else None,
        )
        for name in named
    }
