"""The kind of free text: features for known texts, templates and shapes, and for length and characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, NoReturn, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from oddrow.columns._column_facts import ColumnFacts, ReadAs
from oddrow.columns._column_schema import ColumnSchema, EncodingStyle, Kind
from oddrow.columns._scaling import UNSOUND_SCALING, Scaling
from oddrow.columns._sketch import NO_ROWS, ColumnSketch, ValueCounts
from oddrow.columns._text_patterns import LETTER_SHARES, shapes, templates, text_features
from oddrow.columns.kinds._frequent_patterns import TextPatterns
from oddrow.columns.kinds._graph_columns import GraphColumns
from oddrow.columns.kinds._names import typed_names
from oddrow.columns.kinds._novelty import presence_and_novelty, unseen_name_nats
from oddrow.columns.kinds._protocol import ColumnEncoding, Features, PresenceAndNovelty
from oddrow.exceptions import SettingError
from oddrow.graph import TEXT
from oddrow.remedies import Setting, remedy
from oddrow.table import Floats, TextForm, as_names, shortened

MAX_LOG_LENGTH = 40.0
"""Bound of ln(1 + length) of a decoded text, whose feature may lie far outside the training range."""
USUAL_DEVIATIONS = 1.645
"""Number of standard deviations on either side of the mean that contain 90 % of normal values."""


class TextKind:
    """The kind of columns of names that are too many, or too long, for categories."""

    name = "text"
    precedence = 60
    n_sources = 1
    sketches_names = True
    input_type = TEXT

    @property
    def encodings(self) -> tuple[type[ColumnEncoding], ...]:
        return (TextEncoding,)

    def judge(self, facts: ColumnFacts) -> ColumnSchema | None:
        """Accept names that are not categories; leave out those that identify rows."""
        if facts.reading.read_as is not ReadAs.NAMES:
            return None
        name, missing = facts.name, facts.reading.missing
        if facts.is_identifier:
            n, rows = len(facts.distinct), facts.n_names
            return ColumnSchema(
                name,
                Kind.IGNORE,
                f"looks like an identifier: {n:,} different values in {rows:,} rows, all of one form{missing}",
                note=f"{shortened(name)} looks like an identifier, as {facts.example_name()}: it is left out",
            )
        if not facts.text_reason:
            return None
        note = facts.mixed_note() if "too many" in facts.text_reason else ""
        return ColumnSchema(name, self.name, f"{facts.text_reason}{missing}", note=note)

    def given(self, name: str, facts: Sequence[ColumnFacts]) -> ColumnSchema:
        (one,) = facts
        return ColumnSchema(name, self.name, "as given", one.given_name_form(), runs_on=one.given.runs_on)

    def convert(self, sources: Sequence[pa.ChunkedArray], form: TextForm) -> pa.ChunkedArray:
        (values,) = sources
        return as_names(values, form)

    def typed(self, texts: pa.ChunkedArray, form: TextForm) -> pa.ChunkedArray:
        return typed_names(texts, form)

    def encoding(self, column: ColumnSchema, style: EncodingStyle) -> type[TextEncoding]:
        return TextEncoding

    def sketched(self, column: ColumnSchema, rest: Sequence[ColumnSketch]) -> ColumnSketch:
        return rest[0]

    def counted(self, encoding: ColumnEncoding) -> tuple[str, ...]:
        return encoding.frequent if isinstance(encoding, TextEncoding) else ()

    def measured(self, values: pa.ChunkedArray, rest: ColumnSketch) -> tuple[Floats, Floats]:
        """Return the lengths of texts in characters."""
        lengths = pc.utf8_length(values.drop_null()).to_numpy().astype(np.float64)
        return lengths, np.rint(np.expm1(rest.text_ranges[0].ends))


@dataclass(frozen=True)
class TextEncoding:
    """The encoding of free text: one-hot features for patterns, and the length and shares of kinds of characters.

    A frequent text has a one-hot feature ("place"), like a frequent category; its length and shares are 0. The same
    holds for a frequent template, which is a text with each run of digits replaced by one ``#``. A text whose template
    is rare but was seen at least twice has the last place, and its length and shares are 0 as well. Any other text has
    the place of its shape (words and digits masked), its length and its shares. A template that was seen once is
    treated like an unseen one, so that the model learns from such texts what unseen templates look like.

    Attributes
    ----------
    length, shares : scalings of ln(1 + length) and of the shares of digits, capitals, spaces, signs, not ASCII
    has_missing : whether training values are missing
    frequent, templates, shapes : those with a place each; without any, the encoding has no places
    rare_templates, lone_templates : other templates that occur in training rows at least twice, or once
    rare_shapes : other shapes that occur in training rows
    templates_once, shapes_once : number that occur once in training rows; None if too many occur to keep them, or if
        most rows have one that occurs once. An unseen one then has no novelty
    """

    length: Scaling
    shares: tuple[Scaling, ...]
    has_missing: bool
    frequent: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()
    rare_templates: tuple[str, ...] = ()
    lone_templates: tuple[str, ...] = ()
    rare_shapes: tuple[str, ...] = ()
    templates_once: int | None = None
    shapes_once: int | None = None
    kind: Literal["text"] = "text"

    n_shares: ClassVar[int] = len(LETTER_SHARES)
    curved: ClassVar[Mapping[int, Scaling]] = {}
    known: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def learn(cls, values: pa.ChunkedArray, rest: ColumnSketch = NO_ROWS) -> Self:
        """Learn from strings [n] and the sketch of training rows outside the sample."""
        length, shares = text_features(values)
        features = zip((length, *shares), rest.text_ranges, strict=True)
        scalings = tuple(Scaling.learn(feature, further.ends) for feature, further in features)
        counted = ValueCounts.of(values)
        n_further = rest.n_present
        if rest.counts is not None:
            counted, n_further = counted.merged(rest.counts.as_texts), 0
        patterns = TextPatterns.of(counted, n_further)
        return cls(
            scalings[0],
            scalings[1:],
            bool(values.null_count or rest.n_missing),
            patterns.frequent,
            patterns.templates.placed,
            patterns.shapes.placed,
            patterns.templates.rare,
            patterns.templates.lone,
            patterns.shapes.rare + patterns.shapes.lone,
            patterns.templates.once,
            patterns.shapes.once,
        )

    @property
    def n_text_features(self) -> int:
        """The number of features of length and shares; they come first."""
        return 1 + len(self.shares)

    @property
    def n_places(self) -> int:
        """The number of places: of known texts, templates and shapes, and of all others; 0 if there are none."""
        n_known = len(self.frequent) + len(self.templates) + len(self.shapes)
        return n_known + 1 if n_known else 0

    @property
    def n_features(self) -> int:
        return self._flag + self.has_missing

    @property
    def gaussian(self) -> tuple[int, ...]:
        return tuple(range(self.n_text_features))

    @property
    def binary(self) -> tuple[tuple[int, bool], ...]:
        return ((self._flag, True),) if self.has_missing else ()

    @property
    def group(self) -> tuple[int, ...]:
        """The places with a likelihood. The feature after them marks an unseen shape, which has novelty instead."""
        return tuple(range(self.n_text_features, self.n_text_features + self.n_places))

    @property
    def _flag(self) -> int:
        return self.n_text_features + self.n_places + (self.n_places > 0)

    def encode(self, values: pa.ChunkedArray, out: Features, n_rows: int) -> PresenceAndNovelty:
        length, shares = text_features(values)
        missing = np.isnan(length)
        furthest = np.zeros(len(length))
        for offset, (scaling, feature) in enumerate(zip((self.length, *self.shares), (length, *shares), strict=True)):
            standardised = scaling.apply(np.where(missing, scaling.center, feature))
            out[:, offset] = np.where(missing, 0.0, standardised)
            furthest = np.maximum(furthest, scaling.excess(standardised))
        presence, novelty = presence_and_novelty(missing, out[:, self._flag] if self.has_missing else None, n_rows)
        nats = np.log1p(n_rows * furthest)
        if self._knows_patterns:
            nats = np.maximum(nats, self._encode_patterns(values, out, n_rows))
        novelty[presence] += nats[presence]
        return presence, novelty

    @property
    def _knows_patterns(self) -> bool:
        has_counts = self.templates_once is not None or self.shapes_once is not None
        return has_counts or bool(self.n_places or self.rare_templates)

    def _encode_patterns(self, values: pa.ChunkedArray, out: Features, n_rows: int) -> Floats:
        """Write the places; return the novelty in nats [n] of unseen templates and shapes."""
        text = _index(values, self.frequent)
        of_template, of_shape = templates(values), shapes(values)
        template, shape = _index(of_template, self._all_templates), _index(of_shape, self._all_shapes)
        is_text = text >= 0
        is_template = ~is_text & (template >= 0) & (template < len(self.templates))
        is_known = is_text | ((template >= 0) & (template < len(self.templates) + len(self.rare_templates)))
        is_shape = ~is_known & (shape >= 0) & (shape < len(self.shapes))
        nats = np.zeros(len(text))
        for index, once in ((template, self.templates_once), (shape, self.shapes_once)):
            if once is not None:
                nats = np.maximum(nats, np.where(index < 0, unseen_name_nats(once, n_rows), 0.0))
        if self.n_places:
            n_known = self.n_places - 1
            is_new = (shape < 0) & (self.shapes_once is not None) & ~is_known
            place = np.where(is_new, n_known + 1, n_known)
            first = 0
            for chosen, index, known in (
                (is_text, text, self.frequent),
                (is_template, template, self.templates),
                (is_shape, shape, self.shapes),
            ):
                place = np.where(chosen, first + index, place)
                first += len(known)
            there = np.flatnonzero(values.is_valid().to_numpy())
            out[there, self.n_text_features + place[there]] = 1.0
        out[is_known, : self.n_text_features] = 0.0
        return nats

    @cached_property
    def _all_templates(self) -> tuple[str, ...]:
        return self.templates + self.rare_templates + self.lone_templates

    @cached_property
    def _all_shapes(self) -> tuple[str, ...]:
        return self.shapes + self.rare_shapes

    def decode(self, features: Features) -> list[object]:
        """Return the known text or template; for other texts a description of the known shape, length and digits."""
        known = (*self.frequent, *self.templates)
        n_known = len(known) + len(self.shapes)
        places = (
            np.argmax(features[:, self.n_text_features : self.n_text_features + self.n_places + 1], axis=1)
            if n_known
            else None
        )
        described: list[object] = []
        for row, (length, share) in enumerate(zip(*self._decoded_text_features(features), strict=True)):
            place = n_known if places is None else int(places[row])
            if place < len(known):
                described.append(known[place])
            elif place < n_known:
                described.append(f"text like {self.shapes[place - len(known)]!r}, about {length:,} characters")
            else:
                described.append(f"text of about {length} characters, {share:.0%} digits")
        return described

    def _decoded_text_features(self, features: Features) -> tuple[list[int], list[float]]:
        """Return the lengths in characters, and the shares of digits."""
        # without a bound, the length of a feature far outside the training range would overflow
        lengths = np.expm1(np.minimum(self.length.invert(features[:, 0].astype(np.float64)), MAX_LOG_LENGTH))
        digits = np.clip(self.shares[0].invert(features[:, 1].astype(np.float64)), 0, 1)
        return [max(round(length), 0) for length in lengths.tolist()], digits.tolist()

    def check(self, n_rows: int) -> str:
        if len(self.shares) != self.n_shares:
            return f"a text has {self.n_shares} shares of characters, not {len(self.shares)}"
        if not all(scaling.is_sound for scaling in (self.length, *self.shares)):
            return UNSOUND_SCALING
        named = {"known text": self.frequent, "template": self._all_templates, "shape": self._all_shapes}
        for what, names in named.items():
            if len(set(names)) != len(names):
                return f"a {what} occurs twice"
        for what, once in (("templates", self.templates_once), ("shapes", self.shapes_once)):
            if once is not None and not 0 <= once <= n_rows:
                return f"{once} {what} cannot have been seen once in {n_rows:,} rows"
        return ""

    @classmethod
    def graph(cls, encodings: Sequence[Self], columns: GraphColumns) -> NoReturn:
        name = columns.names[0]
        raise SettingError(
            f"column {name!r} is text, which ONNX has no operations to encode",
            remedy=remedy(
                "fit without it (",
                Setting("columns", {name: "ignore"}),
                ") or as names (",
                Setting("columns", {name: "category"}),
                ")",
            ),
        )

    @classmethod
    def together(cls, encodings: Sequence[Self], places: Sequence[int], starts: Sequence[int]) -> None:
        return None

    def describe(self, text: str) -> str:
        """Describe what is unusual in one text; return "" if nothing is.

        The description names an unseen shape or template, and a length or a share of characters outside the range of
        about 90 % of the training texts.

        Examples
        --------
        >>> names = [f"shop {number}" for number in range(1_000)]
        >>> encoding = TextEncoding.learn(pa.chunked_array([names]))
        >>> encoding.describe("shop 4711")
        ''
        >>> for unusual in encoding.describe("http://shop.example/?pay=1").split("; "):
        ...     print(unusual)
        of a shape never seen ('a://a.a/?a=0')
        length 26, usual 7 to 8
        digits 4 %, usual 31 to 38 %
        spaces 0 %, usual 12 to 14 %
        signs 27 %, usual 0 %
        """
        values = pa.chunked_array([pa.array([text], pa.string())])
        template, shape = templates(values), shapes(values)
        if text in self.frequent or template[0].as_py() in self.templates + self.rare_templates:
            return ""
        found = []
        if self.shapes_once is not None and shape[0].as_py() not in self._all_shapes:
            found.append(f"of a shape never seen ({shape[0].as_py()!r})")
        elif self.templates_once is not None and template[0].as_py() not in self._all_templates:
            found.append(f"of a pattern never seen ({template[0].as_py()!r})")
        _, shares = text_features(values)
        low, high = (round(float(np.expm1(end))) for end in _usual_range(self.length))
        if not low <= len(text) <= high:
            found.append(f"length {len(text):,}, usual {low:,} to {high:,}")
        for name, scaling, share in zip(LETTER_SHARES, self.shares, shares, strict=True):
            percent, least, most = (round(100 * value) for value in (float(share[0]), *_usual_range(scaling)))
            if not least <= percent <= most:
                usual = f"{least} %" if least == most else f"{least} to {most} %"
                found.append(f"{name} {percent} %, usual {usual}")
        return "; ".join(found)


def _usual_range(scaling: Scaling) -> tuple[float, float]:
    """Return the range of about 90 % of the training values."""
    ends = np.clip([-USUAL_DEVIATIONS, USUAL_DEVIATIONS], scaling.low, scaling.high)
    low, high = np.maximum(scaling.invert(ends), 0.0)
    return float(low), float(high)


def _index(values: pa.ChunkedArray, known: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the index of each value [n] among the known ones; -1 if it is unknown or missing."""
    found = pc.index_in(values, pa.array(known, pa.string()), skip_nulls=True)
    return np.asarray(pc.fill_null(pc.cast(found, pa.int64()), -1).to_numpy())
