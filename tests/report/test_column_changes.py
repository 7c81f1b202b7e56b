"""Columns are compared with the normal rows: shares add up, planted changes are found, and chance is none."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from oddrow.datasets import make_card_payments, make_connections
from oddrow.exceptions import SettingError
from oddrow.report._column_changes import brought, compare_columns


def compared(model, table, **others):
    encoded = model.encoding.encode(table)
    scored = model.surprise_model.score(encoded)
    is_alert = scored.surprise > 4.6
    brings = brought(scored.column_part[is_alert], scored.surprise[is_alert])
    values = {"explained": np.argsort(-scored.surprise)[:20]} | others
    return {one.name: one for one in compare_columns(model, table, encoded.novelty, is_alert, brings, **values)}


def changed(table, name, share, value):
    """The table with a share of the values of one column replaced."""
    is_changed = pa.array(np.random.default_rng(0).random(len(table)) < share)
    column = pc.if_else(is_changed, pa.scalar(value, table.schema.field(name).type), table[name])
    return table.set_column(table.column_names.index(name), name, column)


@pytest.fixture(scope="module")
def columns(vae, labelled):
    return compared(vae.model_, labelled.table)


def test_every_column_of_the_model_is_compared(vae, columns):
    assert tuple(columns) == vae.model_.encoding.names
    assert {name: one.kind for name, one in columns.items()} == {
        one.name: one.kind for one in vae.model_.encoding.schema.used
    }


def test_shares_of_bars_sum_to_one(columns):
    for one in columns.values():
        assert len(one.labels) == len(one.normal) == len(one.current) == len(one.alerts)
        for shares in (one.normal, one.current, one.alerts):
            assert not one.labels or sum(shares) == pytest.approx(1)
            assert min(shares, default=0) >= 0


def test_the_bar_of_an_explained_row_holds_its_value(vae, labelled):
    rows = np.array([5, 3, 900])
    columns = compared(vae.model_, labelled.table, explained=rows)
    for name in ("service", "protocol", "encrypted"):
        values = labelled.table[name].take(rows).to_pylist()
        labels = [columns[name].labels[bar] for bar in columns[name].bar]
        for value, label in zip(values, labels, strict=True):
            assert label in (str(value).lower(), "other", "never seen")
    missing = np.flatnonzero(labelled.table["country"].is_null().to_numpy())[:2]
    assert compared(vae.model_, labelled.table, explained=missing)["country"].bar == (-1, -1)


def test_current_shares_are_those_of_the_rows(columns, labelled):
    service = columns["service"]
    table = labelled.table
    present = table["service"].drop_null()
    for label, share in zip(service.labels, service.current, strict=True):
        if label not in ("other", "never seen"):
            assert share == pytest.approx(pc.sum(pc.equal(present, label)).as_py() / len(present))
    assert columns["country"].missing_current == table["country"].null_count / len(table)
    never_seen = pc.is_in(table["service"], pa.array(["telnet", "irc", "gopher", "x11"]))
    assert service.unseen == pc.sum(never_seen).as_py() / len(table)


def test_what_columns_bring_and_the_combination_are_all_of_the_surprise(vae, labelled):
    scored = vae.model_.score(labelled.table)
    shares = brought(scored.column_part, scored.surprise)
    rest = scored.combination_part.sum() / scored.surprise.sum()
    assert shares.sum() + rest == pytest.approx(1)
    assert brought(scored.column_part[:0], scored.surprise[:0]).tolist() == [0.0] * len(shares)


def test_the_order_of_the_rows_does_not_matter(vae, labelled):
    order = np.random.default_rng(1).permutation(labelled.table.num_rows)
    ours = compared(vae.model_, labelled.table, explained=order[:9])
    other = compared(vae.model_, labelled.table.take(order), explained=np.arange(9))
    for name, one in ours.items():
        two = other[name]
        assert (one.labels, one.normal, one.change, one.bar) == (two.labels, two.normal, two.change, two.bar)
        assert one.current == pytest.approx(two.current)
        if one.shade is not None:
            np.testing.assert_array_equal(one.shade.codes[order], two.shade.codes)


def test_ordinary_rows_have_not_changed(vae):
    for seed in range(60, 66):
        rows = make_connections(2_000, odd_share=0, random_state=seed, weeks_later=4).table
        assert [one.change for one in compared(vae.model_, rows).values() if one.change] == []


@pytest.mark.parametrize(
    ("name", "share", "value", "sentence"),
    [
        ("service", 0.05, "telnet", "4.5 % of the rows have a value never seen in training"),
        ("service", 0.3, "ssh", "ssh: 3"),
        ("packets", 0.04, None, "3.7 % of the rows have no value, 0 % of the normal rows"),
        ("bytes_sent", 0.3, 10**7, "above "),
        ("duration_s", 0.4, 0.0001, "below "),
        ("encrypted", 0.5, True, "false: "),
        ("interface_version", 0.05, "v3", "4.5 % of the rows have a value never seen in training"),
    ],
)
def test_a_planted_change_is_said_of_its_column(vae, fresh, name, share, value, sentence):
    columns = compared(vae.model_, changed(fresh, name, share, value))
    assert columns[name].change.startswith(sentence)
    assert [other for other, one in columns.items() if one.change and other != name] == []


def test_later_times_are_no_change(vae):
    started = compared(vae.model_, make_connections(2_000, odd_share=0, random_state=5, weeks_later=9).table)["started"]
    assert started.change is None
    assert started.labels == ()
    assert started.note.endswith("its values are not compared, since later rows have later ones")
    assert len(set(started.shade.codes.tolist())) > 200  # the places among the rows themselves


def test_shades_label_every_code(columns, labelled):
    for one in columns.values():
        codes = one.shade.codes
        assert codes.dtype == np.uint8
        assert len(codes) == labelled.table.num_rows
        assert ((codes == 255).mean()) == pytest.approx(one.missing_current)
        present = codes[codes != 255]
        if one.shade.labels:
            assert one.shade.edges == ()
            assert ((present < len(one.shade.labels)) | (present == 254)).all()
        else:
            assert len(one.shade.edges) == 6
            assert present.max() <= 250


def test_only_the_columns_asked_for_have_a_shade(vae, labelled):
    columns = list(compared(vae.model_, labelled.table, shaded=[2, 4]).values())
    assert [place for place, one in enumerate(columns) if one.shade is not None] == [2, 4]


def test_hidden_values_are_in_no_text(vae, fresh):
    table = changed(changed(fresh, "service", 0.3, "ssh"), "bytes_sent", 0.3, 12_345_678)
    for one in compared(vae.model_, table, has_values=False).values():
        texts = [*one.labels, *(one.shade.labels + one.shade.edges)]
        assert set(texts) <= {"(hidden)", "other", "never seen"}
        assert "ssh" not in (one.change or "")
        assert "bytes" not in (one.change or "")
        assert "12" not in (one.change or "").replace("%", "").split()


def test_a_model_of_texts_and_cards_is_compared(short_training):
    from oddrow import VAEDetector

    payments = make_card_payments(1_500, odd_share=0, random_state=0).table
    with pytest.warns(match="depend on their order"):
        model = VAEDetector(random_state=0).fit(payments).model_
    new = make_card_payments(1_500, odd_share=0.03, random_state=1, month="2024-04").table
    columns = compared(model, new)
    memo = columns["memo"]
    assert all(label.endswith(" characters") for label in memo.labels)
    assert memo.unseen > 0.005
    assert memo.change is None
    assert len(columns["card_id"].labels) <= 14


def test_no_rows_have_no_change(vae, fresh):
    for one in compared(vae.model_, fresh.slice(0, 0)).values():
        assert (one.change, one.missing_current, one.unseen, one.shade) == (None, 0.0, 0.0, None)
        assert sum(one.current) == 0


def test_other_numbers_of_rows_are_refused(vae, fresh):
    model, n = vae.model_, len(vae.model_.encoding.columns)
    with pytest.raises(SettingError, match=r"the table has 1000 rows and the model 16 columns, but novelty has"):
        compare_columns(model, fresh, np.zeros((3, n)), np.zeros(1_000, np.bool_), np.zeros(n), explained=np.arange(2))
