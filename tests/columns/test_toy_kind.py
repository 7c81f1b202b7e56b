"""A kind of column is one object: two toy kinds are judged or given, scored, explained, saved and exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from oddrow import VAEDetector
from oddrow.columns import KINDS, ColumnSchema, TableEncoding, TableSchema, check_encoding
from oddrow.columns._column_facts import ColumnFacts, ReadAs
from oddrow.columns._scaling import Scaling
from oddrow.columns.kinds import GraphBlock, GraphColumns, presence_and_novelty, unseen_nats
from oddrow.exceptions import ModelFileError, SchemaMismatchError, SettingError
from oddrow.graph import FLOAT
from oddrow.table import TextForm, as_numbers
from testing.untrained import no_training

RADIANS = np.pi / 180


@dataclass(frozen=True)
class PlaceEncoding:
    """A place on Earth as a point on the unit sphere; a latitude beyond 90 degrees has features 0."""

    has_missing: bool
    kind: Literal["place"] = "place"

    gaussian: ClassVar[tuple[int, ...]] = (0, 1, 2)
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def learn(cls, values, rest):
        return cls(bool(np.isnan(values).any() or rest.n_missing))

    @property
    def n_features(self) -> int:
        return 3 + self.has_missing

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((3, True),) if self.has_missing else ()

    def encode(self, values, out, n_rows):
        latitude, longitude = values.T
        missing = np.isnan(values).any(axis=1)
        is_off = np.abs(np.nan_to_num(latitude)) > 90
        phi, theta = latitude * RADIANS, longitude * RADIANS
        points = np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=1)
        out[:, :3] = np.where((missing | is_off)[:, None], 0.0, points)
        presence, novelty = presence_and_novelty(missing, out[:, 3] if self.has_missing else None, n_rows)
        novelty[is_off] = unseen_nats(n_rows)
        return presence & ~is_off, novelty

    def decode(self, features):
        x, y, z = features[:, :3].astype(np.float64).T
        latitude, longitude = np.arctan2(z, np.hypot(x, y)) / RADIANS, np.arctan2(y, x) / RADIANS
        return [(round(north, 1), round(east, 1)) for north, east in zip(latitude, longitude, strict=True)]

    def check(self, n_rows: int) -> str:
        return "" if n_rows > 1 else "a place needs two rows"

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp = columns.xp
        latitude, longitude = columns.joined(0), columns.joined(1)
        missing = xp.isnan(latitude) | xp.isnan(longitude)
        is_off = (xp.abs(latitude) > 90.0) & ~missing
        phi, theta = latitude * RADIANS, longitude * RADIANS
        points = [xp.cos(phi) * xp.cos(theta), xp.cos(phi) * xp.sin(theta), xp.sin(phi)]
        return GraphBlock(
            missing,
            xp.concatenate([xp.where(missing | is_off, 0.0, point) for point in points], axis=1),
            np.concatenate([columns.starts + offset for offset in range(3)]),
            is_off,
            is_off.astype(FLOAT) * columns.unseen_nats,
            [not each.has_missing for each in encodings],
        )

    @classmethod
    def together(cls, encodings, places, starts) -> None:
        return None


class PlaceKind:
    """Two columns of degrees; the kind is never judged and must be given."""

    name = "place"
    precedence = 80
    n_sources = 2
    sketches_names = False
    input_type = FLOAT
    encodings = (PlaceEncoding,)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        return None

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        return ColumnSchema(name, self.name, "as given", facts[0].given.form(TextForm(is_lenient=True)))

    def convert(self, sources, form):
        return np.stack([as_numbers(source, form) for source in sources], axis=1)

    def typed(self, texts, form):
        return texts

    def encoding(self, column, style):
        return PlaceEncoding

    def sketched(self, column, rest):
        return max(rest, key=lambda one: one.n_missing)

    def counted(self, encoding):
        return ()

    def measured(self, values, rest):
        return np.empty(0), np.empty(0)


@dataclass(frozen=True)
class DozenEncoding:
    """A multiple of 12, encoded as its number of dozens: one normal feature."""

    largest: float
    kind: Literal["dozen"] = "dozen"

    n_features: ClassVar[int] = 1
    gaussian: ClassVar[tuple[int, ...]] = (0,)
    binary: ClassVar[tuple[tuple[int, bool], ...]] = ()
    group: ClassVar[tuple[int, ...]] = ()
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[float, ...]] = ()

    @classmethod
    def learn(cls, values, rest):
        return cls(max(float(np.nanmax(values, initial=0.0)), *rest.range.ends, 1.0))

    def encode(self, values, out, n_rows):
        missing = np.isnan(values)
        out[:, 0] = np.where(missing, 0.0, values / self.largest)
        return presence_and_novelty(missing, None, n_rows)

    def decode(self, features):
        return np.round(features[:, 0].astype(np.float64) * self.largest).tolist()

    def check(self, n_rows: int) -> str:
        return "" if self.largest > 0 else "its largest value is not positive"

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> GraphBlock:
        xp, values = columns.xp, columns.joined()
        missing = xp.isnan(values)
        scaled = xp.where(missing, 0.0, values) / np.array([each.largest for each in encodings])
        return GraphBlock(missing, scaled, columns.starts, never_missing=[True] * len(encodings))

    @classmethod
    def together(cls, encodings, places, starts) -> None:
        return None


class DozenKind:
    """Numbers that are all multiples of 12; this kind judges before the kind of numbers."""

    name = "dozen"
    precedence = 45
    n_sources = 1
    sketches_names = False
    input_type = FLOAT
    encodings = (DozenEncoding,)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        reading = facts.reading
        if reading.read_as is not ReadAs.NUMBERS or not np.all(reading.numbers % 12 == 0):
            return None
        return ColumnSchema(facts.name, self.name, "all are multiples of twelve", reading.form)

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        return ColumnSchema(name, self.name, "as given", facts[0].given_number_form())

    def convert(self, sources, form):
        return as_numbers(sources[0], form)

    def typed(self, texts, form):
        return texts

    def encoding(self, column, style):
        return DozenEncoding

    def sketched(self, column, rest):
        return rest[0]

    def counted(self, encoding):
        return ()

    def measured(self, values, rest):
        return np.empty(0), np.empty(0)


COLUMNS = {"place": "place; source=latitude; source=longitude"}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for kind in (PlaceKind(), DozenKind()):
        monkeypatch.setitem(KINDS, kind.name, kind)
    yield


def trips(n_rows: int, seed: int = 0, scale: int = 12) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "eggs": rng.integers(1, 40, n_rows) * scale,
            "latitude": rng.normal(48.0, 1.0, n_rows),
            "longitude": rng.normal(11.0, 1.0, n_rows),
            "fare": rng.gamma(2.0, 10.0, n_rows),
        }
    )


@pytest.fixture
def detector() -> VAEDetector:
    with no_training():
        return VAEDetector(random_state=0, columns=COLUMNS).fit(trips(300))


def odd_rows() -> pa.Table:
    """Return a row as in training, one in the ocean, one without a longitude, and one beyond 90 degrees latitude."""
    return pa.table(
        {
            "longitude": [11.0, 170.0, None, 11.0],
            "eggs": [24.0, 24.0, 24.0, 24.0],
            "fare": [12.0, 12.0, 12.0, 12.0],
            "latitude": [48.0, -40.0, 48.0, 95.0],
        }
    )


def test_kinds_are_judged_and_given(detector):
    found = {column.name: (column.kind, column.reads) for column in detector.model_.encoding.schema.columns}
    assert found == {
        "eggs": ("dozen", ("eggs",)),
        "place": ("place", ("latitude", "longitude")),
        "fare": ("number", ("fare",)),
    }
    assert detector.model_.encoding.sources == ("eggs", "latitude", "longitude", "fare")
    assert TableSchema.infer(trips(40, scale=7)).columns[0].kind == "number"


def test_given_kinds_are_written_and_parsed_again(detector):
    written = detector.model_.encoding.schema.to_json()
    assert '"kind": "place; source=latitude; source=longitude"' in written
    given = {name: kind for name, kind in oddrow.columns.column_kinds(written).items() if name == "place"}
    assert given == COLUMNS


def test_rows_are_scored_and_explained_with_all_sources(detector):
    surprise = detector.surprise(odd_rows())
    assert np.isfinite(surprise).all()
    assert (surprise[1:] > surprise[0]).all()
    for row, value in enumerate([(48.0, 11.0), (-40.0, 170.0), (48.0, None), (95.0, 11.0)]):
        explanation = detector.explain(odd_rows(), top=None)[row]
        (reason,) = [reason for reason in explanation.reasons if reason.column == "place"]
        assert reason.value == value
        parts = [*(each.nats for each in explanation.reasons), explanation.combination_nats, explanation.other_nats]
        assert sum(parts) == pytest.approx(explanation.surprise, abs=1e-9)


def test_the_score_of_a_row_does_not_depend_on_other_rows(detector):
    table = trips(50, seed=1)
    together = detector.surprise(table)
    alone = [detector.surprise(table.slice(row, 1))[0] for row in range(5)]
    assert together[:5].tolist() == alone


def test_a_model_with_further_kinds_is_saved_and_loaded(detector, tmp_path: Path):
    path = tmp_path / "trips.oddrow"
    oddrow.save(detector, path)
    loaded = oddrow.load(path)
    assert loaded.model_.encoding == detector.model_.encoding
    np.testing.assert_array_equal(loaded.surprise(odd_rows()), detector.surprise(odd_rows()))


def test_a_model_of_a_kind_that_is_not_registered_is_refused(detector, tmp_path: Path, monkeypatch):
    path = tmp_path / "trips.oddrow"
    oddrow.save(detector, path)
    monkeypatch.delitem(KINDS, "place")
    with pytest.raises(ModelFileError, match="place"):
        oddrow.load(path)


def test_a_graph_scores_as_the_detector(detector, tmp_path: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "trips.onnx"
    oddrow.export_onnx(detector, path, parts=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["eggs", "latitude", "longitude", "fare"]
    rows = odd_rows()
    fed = {name: rows[name].to_numpy().astype(np.float64)[:, None] for name in rows.column_names}
    surprise, parts = session.run(["surprise", "column_part"], fed)
    np.testing.assert_allclose(surprise, detector.surprise(rows), rtol=1e-9)
    assert parts.shape == (4, 3)


def test_a_missing_source_is_named(detector):
    with pytest.raises(SchemaMismatchError, match="column 'longitude' is missing"):
        detector.surprise(odd_rows().drop_columns(["longitude"]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"latitude": "place"}, "column 'latitude': the kind place reads 2 table columns, and 0 are named"),
        ({"place": "place; source=latitude"}, "reads 2 table columns, and 1 are named"),
        ({"place": "place; source=latitude; source=east"}, "its source 'east' is not in the table"),
        ({"place": "place; source=latitude; source=latitude"}, "one source is named twice"),
        ({"place": "auto; source=latitude; source=longitude"}, "sources are named without a kind"),
    ],
)
def test_sources_that_make_no_column_are_refused(columns: dict[str, str], message: str):
    with pytest.raises(SettingError, match=message):
        TableSchema.infer(trips(40), columns)


def test_a_source_may_also_be_a_column_of_the_model():
    schema = TableSchema.infer(trips(40), COLUMNS | {"latitude": "number"})
    assert [(column.name, column.kind) for column in schema.columns] == [
        ("eggs", "dozen"),
        ("place", "place"),
        ("latitude", "number"),
        ("fare", "number"),
    ]


def test_common_settings_do_not_apply_to_sources():
    schema = TableSchema.infer(trips(40), COLUMNS | {"*": "auto"})
    assert [column.name for column in schema.columns] == ["eggs", "place", "fare"]


def test_an_infinite_source_is_named_by_its_column_and_row():
    table = odd_rows()
    schema = TableSchema.infer(trips(40), COLUMNS)
    infinite = table.set_column(0, "longitude", pa.array([1.0, 2.0, 3.0, np.inf]))
    with pytest.raises(SchemaMismatchError, match="column 'place', row 3"):
        schema.values(infinite)
    assert list(schema.unfit_rows(infinite)) == [3]


def test_an_encoding_of_a_further_kind_checks_itself():
    schema = TableSchema.infer(trips(40), COLUMNS)
    encoding = TableEncoding.learn(schema, trips(40))
    check_encoding(encoding)
    dozen, *others = encoding.columns
    with pytest.raises(SettingError, match="column 'eggs': its largest value is not positive"):
        check_encoding(replace(encoding, columns=(replace(dozen, largest=-1.0), *others)))
    eggs, place, fare = schema.columns
    with pytest.raises(SettingError, match="column 'place' names 1 source columns; the kind place needs 2"):
        check_encoding(replace(encoding, schema=TableSchema((eggs, replace(place, sources=()), fare))))
