"""A fit on batches equals the fit on the whole table if it fits the sample; else summaries cover all rows."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import oddrow.detector._parameters as parameters
import oddrow.fitting._sample_size as sample_size
from oddrow import AutoencoderDetector, VAEDetector
from oddrow.columns import Sampling, TableEncoding, TableSchema
from oddrow.exceptions import DataError, SettingError
from oddrow.table import SampleBounds


def limit_samples(monkeypatch, rows):
    monkeypatch.setattr(parameters, "Sampling", partial(Sampling, bounds=SampleBounds(rows=rows)))


@pytest.fixture
def small_samples(monkeypatch):
    """Samples of 500 rows at most."""
    limit_samples(monkeypatch, 500)


@pytest.fixture(scope="module")
def long_table(connections):
    """1,000 rows: twice as many as the samples have."""
    return connections.slice(0, 1_000)


@pytest.fixture(scope="module")
def few(fresh):
    return fresh.slice(0, 100)


def same(one, other, rows):
    assert one.surprise(rows).tobytes() == other.surprise(rows).tobytes()
    assert one.p_value(rows).tobytes() == other.p_value(rows).tobytes()
    assert one.latent_map(rows).tobytes() == other.latent_map(rows).tobytes()
    assert one.model_.encoding == other.model_.encoding
    assert one.offset_ == other.offset_


WAYS = {
    "default": lambda: VAEDetector(random_state=0),
    "autoencoder": lambda: AutoencoderDetector(random_state=0),
    "article": lambda: VAEDetector(random_state=0, settings="article"),
    "cross": lambda: VAEDetector(random_state=0, settings="narrow", calibration="cross"),
    "robust": lambda: VAEDetector(random_state=0, clean="robust"),
    "share": lambda: VAEDetector(random_state=0, contamination=0.02),
    "kinds": lambda: VAEDetector(random_state=0, columns={"destination_port": "category", "started": "ignore"}),
    "a generator": lambda: VAEDetector(random_state=np.random.default_rng(3)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_table_that_fits_gives_the_very_same_model_however_it_is_cut(untrained, way, labelled):
    table = labelled.table.slice(0, 700)
    whole, parts = (way(), way())
    whole.fit(table)
    parts.fit_batches([*table.slice(0, 500).to_batches(max_chunksize=130), table.slice(500)])
    same(whole, parts, labelled.table.slice(700, 100))
    assert whole.n_features_in_ == parts.n_features_in_
    assert whole.feature_names_in_.tolist() == parts.feature_names_in_.tolist()


def test_a_trained_model_is_the_same_from_batches(short_training, connections, fresh):
    table = connections.slice(0, 600)
    whole, parts = (VAEDetector(random_state=0, max_steps=50) for _ in range(2))
    same(whole.fit(table), parts.fit_batches(table.to_batches(max_chunksize=199)), fresh.slice(0, 100))


def test_batches_of_data_frames_and_arrays_fit_as_the_whole_table(untrained, numbers):
    frame = pd.DataFrame(numbers, columns=list("abcd"))
    expected = VAEDetector(random_state=0).fit(frame)
    same(expected, VAEDetector(random_state=0).fit_batches(frame.iloc[at : at + 90] for at in range(0, 400, 90)), frame)
    of_arrays = VAEDetector(random_state=0).fit_batches([numbers[:150], numbers[150:]])
    assert not hasattr(of_arrays, "feature_names_in_")
    same(VAEDetector(random_state=0).fit(numbers), of_arrays, numbers)


def test_summaries_cover_all_rows_of_a_table_longer_than_the_sample(untrained, small_samples, long_table):
    """What one row alone has is in the range, among the names, and may be missing; it is no news."""
    table = long_table.set_column(2, "service", pa.array(["once", *long_table["service"].to_pylist()[1:]]))
    sent = [10**15, *long_table["bytes_sent"].to_pylist()[1:-1], None]
    table = table.set_column(table.column_names.index("bytes_sent"), "bytes_sent", pa.array(sent))
    detector = VAEDetector(random_state=1).fit_batches(table.to_batches(max_chunksize=70))
    encoding = detector.model_.encoding
    odd = table.take(pa.array([0, table.num_rows - 1]))
    held_out = detector.model_.calibration.n_rows + detector.health_.rows_watched
    assert encoding.n_rows == table.num_rows - held_out
    assert encoding.encode(odd).novelty.max() == 0.0
    kinds = [column.kind for column in encoding.schema.columns]
    assert kinds == [column.kind for column in TableSchema.infer(table).columns]


def test_the_order_of_batches_does_not_change_the_summaries(untrained, small_samples, long_table):
    batches = long_table.to_batches(max_chunksize=150)
    one, other = (VAEDetector(random_state=0).fit_batches(part) for part in (batches, batches[::-1]))
    assert one.model_.encoding.n_rows == other.model_.encoding.n_rows
    assert [c.kind for c in one.model_.encoding.schema.columns] == [
        c.kind for c in other.model_.encoding.schema.columns
    ]


def test_rows_that_calibrate_are_not_learned_from(untrained, monkeypatch):
    """Each row has a name of its own: those of the calibration rows are unknown, and so are those of later rows."""
    limit_samples(monkeypatch, 1_500)
    n_rows = 4_000
    table = pa.table({"name": [f"n{row}" for row in range(n_rows)], "x": np.random.default_rng(0).normal(size=n_rows)})
    detector = VAEDetector(random_state=0, columns={"name": "category"}).fit_batches(
        table.to_batches(max_chunksize=400)
    )
    unknown = detector.model_.encoding.encode(table).novelty[:, 0] > 0
    assert unknown.sum() == detector.model_.calibration.n_rows + detector.health_.rows_watched == 450
    later = pa.table(
        {"name": [f"later {row}" for row in range(n_rows)], "x": np.random.default_rng(1).normal(size=n_rows)}
    )
    # 300 rows calibrate: the share that they flag at .05 varies by about .013
    assert np.mean(detector.p_value(later) <= 0.05) == pytest.approx(0.05, abs=0.04)


def test_where_odd_rows_may_be_among_them_only_the_sample_is_learned_from(untrained, small_samples, long_table):
    detector = VAEDetector(random_state=0, clean="robust").fit_batches(long_table.to_batches(max_chunksize=150))
    assert detector.cleaning_.n_rows == 500
    assert detector.model_.encoding.n_rows <= 500


def test_a_fit_uses_no_more_rows_than_fit_into_memory(untrained, monkeypatch, connections):
    monkeypatch.setattr(sample_size, "FIT_BYTES", 1_000_000)
    detector = VAEDetector(random_state=0).fit_batches(connections.to_batches(max_chunksize=500))
    layout = detector.model_.encoding.layout
    rows = 1_000_000 // (20 * layout.n_features + 40 * layout.n_columns)
    assert detector.health_.rows_trained + detector.health_.rows_watched + detector.model_.calibration.n_rows == rows
    assert detector.model_.encoding.n_rows == 3_000 - detector.health_.rows_watched - detector.model_.calibration.n_rows


def test_an_encoding_that_is_given_is_kept(untrained, small_samples, long_table, few):
    encoding = TableEncoding.learn(TableSchema.infer(few), few)
    detector = VAEDetector(random_state=0, encoding=encoding).fit_batches(long_table.to_batches(max_chunksize=150))
    assert detector.model_.encoding is encoding


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([], "no batch"),
        ([{"x": [1.0]}], "n_samples=1"),
        ([{"x": [None]}, {"x": [None]}], "no column is left.*'x' is empty"),
    ],
)
def test_batches_that_cannot_be_learned_from_are_refused(batches, said):
    with pytest.raises(DataError, match=said):
        VAEDetector().fit_batches(batches)


def test_parts_sampled_apart_and_merged_are_the_fit_of_their_batches(untrained, small_samples, long_table, few):
    expected = VAEDetector(random_state=0).fit_batches([long_table])
    detector = VAEDetector(random_state=0)
    sampling = replace(detector.sampling(), n_rows=long_table.num_rows)
    parts = [sampling.part([rows], first_row=at) for at, rows in cut_at(long_table, 300)]
    same(expected, detector.fit_sampled(parts[0].merged(parts[1]).merged(parts[2]).merged(parts[3])), few)
    same(expected, detector.fit_sampled(parts[3].merged(parts[2]).merged(parts[1].merged(parts[0]))), few)


def test_parts_that_know_how_many_rows_there_are_send_few_more_than_the_sample_has(monkeypatch, connections):
    limit_samples(monkeypatch, 1_500)
    sampling = replace(VAEDetector(random_state=0).sampling(), n_rows=10 * connections.num_rows)
    n_rows = [len(sampling.part([rows], first_row=at).sample.position) for at, rows in cut_at(connections, 900)]
    share = 1_500 / (10 * connections.num_rows)
    assert sum(n_rows) == pytest.approx(share * connections.num_rows, abs=6 * (1_500 * 0.1) ** 0.5 + 40)


def test_parts_whose_types_differ_by_what_they_hold_are_one_table(untrained, small_samples, long_table, few):
    """As pandas reads them: whole numbers beside missing ones are floats, and nothing at all is of no type."""
    place = long_table.column_names.index("packets")
    packets = [None if row % 7 == 0 else row % 50 for row in range(300)]
    parts = [
        long_table.slice(0, 300),
        long_table.slice(300, 300).set_column(place, "packets", pa.array(packets, pa.float64())),
        long_table.slice(600, 300).set_column(place, "packets", pa.nulls(300)),
    ]
    sampling = VAEDetector(random_state=0).sampling()
    one, two, three = (sampling.part([rows], first_row=300 * at) for at, rows in enumerate(parts))
    types = {column.type for column in (one.merged(two).merged(three).sample.rows["packets"], pa.array([1.0]))}
    assert types == {pa.float64()}
    whole = pa.concat_tables([part.cast(parts[1].schema) for part in parts])
    expected = VAEDetector(random_state=0).fit_batches([whole])
    for merged in (one.merged(two).merged(three), three.merged(two).merged(one), two.merged(three.merged(one))):
        found = VAEDetector(random_state=0).fit_sampled(merged)
        assert found.surprise(few).tobytes() == expected.surprise(few).tobytes()


@pytest.mark.parametrize("state", [np.random.RandomState, np.random.default_rng])
def test_a_generator_gives_the_fit_of_the_batches_too(untrained, small_samples, long_table, few, state):
    expected = VAEDetector(random_state=state(3)).fit_batches([long_table])
    detector = VAEDetector(random_state=state(3))
    same(expected, detector.fit_sampled(detector.sampling().part([long_table])), few)


def test_parts_of_other_columns_are_not_merged(long_table):
    sampling = VAEDetector(random_state=0).sampling()
    part, other = (sampling.part([rows]) for rows in (long_table, long_table.drop_columns("service")))
    with pytest.raises(DataError, match=r"another part .*give all of them the same columns"):
        part.merged(other)


def cut_at(table, rows):
    return [(at, table.slice(at, rows)) for at in range(0, table.num_rows, rows)]


def test_the_first_batch_is_read_once_and_without_what_is_ignored(untrained):
    rows = np.random.default_rng(0).normal(size=60)
    table = pa.table({"x": rows, "raw": [b"\xff\xfe"] * 60})
    ignoring = VAEDetector(random_state=0, columns={"raw": "ignore"})
    assert (
        ignoring.fit_batches([table, table]).model_.encoding
        == ignoring.fit(pa.concat_tables([table] * 2)).model_.encoding
    )
    stream = pa.RecordBatchReader.from_batches(table.select(["x"]).schema, table.select(["x"]).to_batches())
    assert VAEDetector(random_state=0).fit_batches([stream]).n_features_in_ == 1


def test_column_names_that_are_not_text_are_converted_to_text(untrained):
    detector = VAEDetector(random_state=0, columns={"0": "number"})
    assert detector.sampling(names=[0, "a"]) == detector.sampling(names=["0", "a"])
    with pytest.raises(SettingError, match="column '0' is named as 'number' but is not in the table"):
        detector.sampling(names=[1, "a"])
