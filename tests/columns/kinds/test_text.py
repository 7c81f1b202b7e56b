"""Free text: known texts, templates and shapes, and the novelty of unseen ones."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oddrow.columns._sketch import ColumnSketch
from oddrow.columns.kinds._frequent_patterns import MAX_KNOWN, MAX_RARE, MAX_SHAPES, MIN_ROWS
from oddrow.columns.kinds.text import TextEncoding
from oddrow.fitting._sample_size import MAX_FEATURES


def texts(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def encoded(
    encoding: TextEncoding, values: pa.ChunkedArray, n_rows: int = 99
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, presence and novelty."""
    features = np.zeros((len(values), encoding.n_features), np.float32)
    presence, novelty = encoding.encode(values, features, n_rows)
    assert np.isfinite(features).all()
    assert (novelty >= 0).all()
    assert np.isfinite(novelty).all()
    return features, presence, novelty


SHOPS = [f"{name} {1000 + 7 * row}" for row in range(200) for name in ("REWE SAGT DANKE", "ARAL STATION", "H+M DANKT")]
SUBSCRIPTIONS = ["NETFLIX.COM", "SPOTIFY AB"] * 10
MEMOS = texts(*SHOPS, *SUBSCRIPTIONS)


@pytest.fixture(scope="module")
def memos() -> TextEncoding:
    return TextEncoding.learn(MEMOS)


def place(encoding: TextEncoding, features: np.ndarray) -> list[int]:
    """Return the index of the one-hot feature of each row, which is unique."""
    places = features[:, encoding.n_text_features : encoding.n_text_features + encoding.n_places + 1]
    assert (places.sum(axis=1) == 1).all()
    return np.argmax(places, axis=1).tolist()


def test_repeated_texts_are_known_and_texts_with_running_numbers_by_their_template(memos: TextEncoding) -> None:
    assert memos.frequent == ("NETFLIX.COM", "SPOTIFY AB")
    assert memos.templates == ("ARAL STATION #", "H+M DANKT #", "REWE SAGT DANKE #")


def test_known_texts_and_templates_differ_only_in_their_one_hot_feature(memos: TextEncoding) -> None:
    values = texts("NETFLIX.COM", "SPOTIFY AB", "ARAL STATION 7", "ARAL STATION 88", "REWE SAGT DANKE 12345")
    features, presence, novelty = encoded(memos, values, len(MEMOS))
    assert presence.all()
    assert place(memos, features) == [0, 1, 2, 2, 4]
    assert (features[:, : memos.n_text_features] == 0).all()
    assert novelty[:4].max() < 1.0  # a number of other length is a little outside, or not at all
    assert novelty[:2].max() == 0.0


def test_a_number_that_repeats_by_chance_does_not_make_its_text_known() -> None:
    rng = np.random.default_rng(0)
    encoding = TextEncoding.learn(texts(*(f"TILL {number}" for number in rng.integers(100, 220, 600))))
    assert encoding.frequent == ()
    assert encoding.templates == ("TILL #",)
    few = TextEncoding.learn(texts(*(f"TILL {number}" for number in rng.integers(1, 4, 600))))
    assert set(few.frequent) == {"TILL 1", "TILL 2", "TILL 3"}
    assert few.templates == ()


def test_a_text_of_an_unseen_shape_has_novelty_and_its_length_and_shares(memos: TextEncoding) -> None:
    values = texts("XKCDQ STATION 1234", "HTTP://PAY.TOP/ABC")
    features, presence, novelty = encoded(memos, values, len(MEMOS))
    assert presence.all()
    n_known = memos.n_places - 1
    assert place(memos, features) == [n_known, n_known + 1]  # a shape that was seen, and one that never was
    assert (features[:, : memos.n_text_features] != 0).any(axis=1).all()
    assert novelty == pytest.approx(np.log(len(MEMOS) + 1.0), rel=0.5)
    assert (novelty >= np.log(len(MEMOS) + 1.0) - 1e-9).all()


def test_new_texts_have_little_novelty_in_a_column_of_mostly_new_texts() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefgh ,.!?0123456789"))
    training, new = (["".join(rng.choice(letters, 20)) for _ in range(400)] for _ in range(2))
    encoding = TextEncoding.learn(texts(*training))
    assert encoding.templates_once is None and encoding.shapes_once is None
    _, _, novelty = encoded(encoding, texts(*new), 400)
    bare = TextEncoding(encoding.length, encoding.shares, encoding.has_missing)
    _, _, by_look = encoded(bare, texts(*new), 400)
    assert (novelty == by_look).all()


def test_the_novelty_of_an_unseen_template_falls_with_the_number_seen_once() -> None:
    def nats(n_once: int) -> float:
        named = ["".join(chr(97 + int(digit)) for digit in str(row)) for row in range(n_once)]
        encoding = TextEncoding.learn(texts(*["shop"] * (1_000 - n_once), *named))
        return float(encoded(encoding, texts("pohs"), 1_000)[2][0])

    assert nats(0) == pytest.approx(np.log(1_001))
    assert nats(100) == pytest.approx(np.log(1_101 / 101))
    assert nats(400) == pytest.approx(np.log(1_401 / 401))


def test_without_patterns_a_text_is_encoded_by_length_and_shares() -> None:
    """Model files may hold encodings without patterns."""
    encoding = TextEncoding.learn(MEMOS)
    bare = TextEncoding(encoding.length, encoding.shares, encoding.has_missing)
    assert (bare.n_features, bare.group, bare.n_places) == (6, (), 0)
    features, _, novelty = encoded(bare, texts("NETFLIX.COM", "HTTP://PAY.TOP/ABC"), len(MEMOS))
    assert (features != 0).any(axis=1).all()
    assert novelty[0] == 0


def test_the_number_of_known_texts_and_patterns_is_bounded() -> None:
    names = ["".join(chr(97 + int(digit)) for digit in str(row)) for row in range(2_000)]
    values = [name for name in names[:80] for _ in range(20)] + names
    values += [f"{'-' * signs}x" for signs in range(2, 40) for _ in range(20)]
    encoding = TextEncoding.learn(texts(*values))
    assert len(encoding.frequent) + len(encoding.templates) == MAX_KNOWN
    assert 0 < len(encoding.shapes) <= MAX_SHAPES
    assert len(encoding.rare_templates) <= MAX_RARE
    assert encoding.templates_once is None  # more than are kept
    assert encoding.n_features <= MAX_FEATURES


def test_texts_that_repeat_by_chance_in_few_rows_are_not_known() -> None:
    once_less = TextEncoding.learn(texts(*["abc"] * (MIN_ROWS - 1), "x-y", "7"))
    assert once_less.n_places == 0
    assert TextEncoding.learn(texts(*["abc"] * MIN_ROWS, "x-y", "7")).frequent == ("abc",)


def test_texts_of_rows_outside_the_sample_are_known() -> None:
    """Texts outside the sample are merged if the sketch keeps them; else their number scales the counts."""
    here, others = texts("a b", "REWE 12"), texts(*["NETFLIX.COM"] * 20, *[f"REWE {row}" for row in range(20)])
    kept = ColumnSketch.of(others, 1_000, ColumnSketch())
    encoding = TextEncoding.learn(here, kept)
    assert (encoding.frequent, encoding.templates) == (("NETFLIX.COM",), ("REWE #",))
    unkept = replace(kept, counts=None)
    some = texts(*["a"] * 9, "b")
    _, _, novelty = encoded(TextEncoding.learn(some, unkept), texts("c"), 50)
    assert novelty[0] == pytest.approx(-np.log(2 / 11), abs=0.1)  # two in eleven, of fifty rows as of ten


@given(st.lists(st.one_of(st.none(), st.text(max_size=12), st.sampled_from(MEMOS.to_pylist())), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_the_encoding_of_a_text_does_not_depend_on_other_rows(values: list[str | None]) -> None:
    encoding = TextEncoding.learn(texts(*MEMOS.to_pylist(), None))
    together = encoded(encoding, texts(*values), 600)
    for row, value in enumerate(values):
        alone = encoded(encoding, texts(value), 600)
        for one, other in zip(together, alone, strict=True):
            assert np.array_equal(one[row], other[0])


def test_a_text_is_decoded_as_its_known_text_template_or_shape(memos: TextEncoding) -> None:
    values = texts("SPOTIFY AB", "ARAL STATION 99", "XKCDQ STATION 1234")
    features, _, _ = encoded(memos, values, len(MEMOS))
    assert memos.decode(features) == ["SPOTIFY AB", "ARAL STATION #", "text of about 18 characters, 22% digits"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NETFLIX.COM", ""),
        ("REWE SAGT DANKE 4711", ""),
        ("XKCDQ STATION 1234", "of a pattern never seen ('XKCDQ STATION #')"),
        ("HTTP://PAY.TOP/ABC", "of a shape never seen ('a://a.a/a'); "),
        ("REWE " * 49 + "REWE", "length 249, usual 13 to 20"),
        ("99999999 1", "digits 90 %, usual "),
        ("Rewe sagt danke", "capitals 7 %, usual "),
    ],
)
def test_unusual_properties_of_a_text_are_described_in_words(memos: TextEncoding, text: str, said: str) -> None:
    assert said in memos.describe(text)
    assert bool(said) == bool(memos.describe(text))


def test_a_text_of_unusual_length_or_characters_has_novelty() -> None:
    training = texts(*[f"user {'x' * (index % 7)} logs in from host {index}" for index in range(50)])
    encoding = TextEncoding.learn(training)
    strange = texts(
        "user x logs in from host 7", "12345678901234567890", "!!!;--", "USER X LOGS IN", "é" * 20, "x" * 9999
    )
    _, presence, novelty = encoded(encoding, strange, n_rows=50)
    assert presence.all()
    assert novelty[0] == pytest.approx(0, abs=1e-9)
    assert (novelty[1:] > 1.0).all()


def test_shares_of_letters_are_shares_of_characters() -> None:
    training = texts("12345", "abcde", "ABCDE", "a b c", "a-b-c", "ééééé")
    encoding = TextEncoding.learn(training)
    features, _, _ = encoded(encoding, training)
    assert encoding.n_features == 6
    assert (features[:, 0] == features[0, 0]).all()  # all of one length, in characters and not in bytes
    for row, share in ((0, 1), (2, 2), (3, 3), (4, 4), (5, 5)):
        assert np.argmax(features[:, share]) == row


def test_an_unknown_text_is_decoded_as_a_description() -> None:
    training = texts(*["x" * length + "7" * length for length in range(1, 40)])
    encoding = TextEncoding.learn(training)
    features, _, _ = encoded(encoding, texts("abcde12345"))
    assert encoding.decode(features) == ["text like 'a0', about 10 characters"]
    few = TextEncoding.learn(texts("abcde12345", "x"))  # too few for a shape to be frequent
    features, _, _ = encoded(few, texts("abcde12345"))
    assert few.decode(features) == ["text of about 10 characters, 50% digits"]


def test_an_empty_text_is_a_text() -> None:
    encoding = TextEncoding.learn(texts("", "a", "bb"))
    _, presence, novelty = encoded(encoding, texts("", None))
    assert presence.tolist() == [True, False]
    assert novelty[0] == 0
