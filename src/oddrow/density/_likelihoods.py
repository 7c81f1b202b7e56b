"""Likelihoods of the columns, given the decoder's outputs.

They are written once over an array namespace ``xp``. A negative log-likelihood is returned **per column**, in nats, so
that the training loss and a row's surprise are sums over the same parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from oddrow.columns import FeatureLayout
from oddrow.density._column_sums import ColumnSums
from oddrow.density._network import Array

HALF_LOG_TWO_PI = 0.9189385332046727
MIN_LOG_VARIANCE = float(np.log(1e-2))
"""Minimum of the decoder's log-variance (standardised units). It keeps the density of a column that repeats exactly
finite, and keeps noise of a tenth of a standard deviation from counting as signal."""
MAX_LOG_VARIANCE = float(np.log(1e2))
SURE_LOGIT = 30.0
"""Logit of a certain prediction: the opposite value has a probability of 1e-13."""

MAX_EXPONENT = 700.0
"""Maximum argument of ``exp``: float64 overflows at 709.8."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MixedLikelihood:
    """Likelihood of columns of mixed kinds: normal numbers, Bernoulli flags, categorical names.

    A number is normal with the decoder's mean and log-variance on the standardised scale, so its density is per unit of
    that scale. Whether a value is missing is a flag. A missing value, and a category that no training row has,
    contribute no likelihood of their own: the flag, and the novelty of the encoding, stand for them.

    Outputs of the decoder, in order: means [g], log-variances [g], flag logits [b], category logits [sum of sizes].
    """

    layout: FeatureLayout

    @property
    def n_gaussian(self) -> int:
        return len(self.layout.gaussian)

    @property
    def n_binary(self) -> int:
        return len(self.layout.binary)

    @property
    def n_outputs(self) -> int:
        """Number of outputs that the decoder must have."""
        return 2 * self.n_gaussian + self.n_binary + sum(len(group) for group in self.layout.groups)

    @cached_property
    def _gaussian(self) -> npt.NDArray[np.int32]:
        return np.asarray(self.layout.gaussian, np.int32)

    @cached_property
    def _binary(self) -> npt.NDArray[np.int32]:
        return np.asarray(self.layout.binary, np.int32)

    @cached_property
    def _flags_presence(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.layout.is_presence_flag, np.bool_)

    @cached_property
    def _place(self) -> npt.NDArray[np.int32]:
        return _padded_groups(self.layout.groups)

    @cached_property
    def column_sums(self) -> ColumnSums:
        """Sums parts [n, n_parts] into columns [n, n_columns], in NumPy."""
        layout = self.layout
        return ColumnSums((*layout.gaussian_column, *layout.binary_column, *layout.group_column), layout.n_columns)

    @cached_property
    def to_column(self) -> npt.NDArray[np.float32]:
        """The matrix [n_parts, n_columns] of ``column_sums``, for products in any array namespace."""
        return _indicator(self.column_sums.owners, self.layout.n_columns)

    def negative_log_likelihood(self, xp: Any, outputs: Array, rows: Array, presence: Array) -> Array:
        """Nats [n, n_columns] of each column of encoded rows [n, n_features], given decoder outputs [n, n_outputs].

        ``presence`` [n, n_columns] says which values are present.
        """
        return self.column_sums(self.parts(xp, outputs, rows, presence))

    def parts(self, xp: Any, outputs: Array, rows: Array, presence: Array) -> Array:
        """Nats [n, n_parts] of each number, each flag and each category, with the arguments of the method above."""
        return xp.concatenate(
            [
                self._gaussian_parts(xp, outputs, rows, presence),
                self._binary_parts(xp, outputs, rows, presence),
                self._category_parts(xp, outputs, rows),
            ],
            axis=1,
        )

    def expected_rows(self, outputs: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Return the most probable encoded rows [n, n_features], and which values are expected to be present.

        The second array is bool [n, n_columns].
        """
        layout = self.layout
        rows = np.zeros((len(outputs), layout.n_features), np.float32)
        rows[:, self._gaussian] = outputs[:, : self.n_gaussian]
        flags = outputs[:, 2 * self.n_gaussian : 2 * self.n_gaussian + self.n_binary] > 0
        rows[:, self._binary] = flags
        logits = self._logits(np, outputs)
        for index, group in enumerate(layout.groups):
            best = np.argmax(logits[:, index, : len(group)], axis=1)
            rows[np.arange(len(rows)), np.asarray(group)[best]] = 1.0
        is_present = np.ones((len(rows), layout.n_columns), np.bool_)
        columns = np.asarray(layout.binary_column, np.int32)[self._flags_presence]
        is_present[:, columns] = flags[:, self._flags_presence]
        return rows, is_present

    def constant_outputs(self, rows: npt.NDArray[np.floating], presence: npt.NDArray[np.bool_]) -> Floats:
        """Return the outputs [n_outputs] of the best constant prediction: the marginal of each column in these rows.

        Half a row is added to the count of each category and flag value (Krichevsky and Trofimov), so that no value
        has probability zero.
        """
        layout = self.layout
        is_present = presence[:, np.asarray(layout.gaussian_column, np.int32)]
        count = np.maximum(is_present.sum(axis=0), 1)
        values = np.where(is_present, rows[:, self._gaussian], 0.0).astype(np.float64)
        mean = values.sum(axis=0) / count
        variance = np.where(is_present, (values - mean) ** 2, 0.0).sum(axis=0) / count
        log_variance = np.log(np.clip(variance, np.exp(MIN_LOG_VARIANCE), np.exp(MAX_LOG_VARIANCE)))
        judged = presence[:, np.asarray(layout.binary_column, np.int32)] | self._flags_presence
        ones = np.where(judged, rows[:, self._binary], 0.0).sum(axis=0) + 0.5
        zeros = judged.sum(axis=0) + 1.0 - ones
        counts = [rows[:, list(group)].sum(axis=0) + 0.5 for group in layout.groups]
        return np.concatenate([mean, log_variance, np.log(ones / zeros), *map(np.log, counts)])

    def copied_outputs(self, rows: npt.NDArray[np.floating]) -> Floats:
        """Return the outputs [n, n_outputs] that predict each row exactly, with the highest certainty allowed."""
        numbers = rows[:, self._gaussian]
        flags = (2.0 * rows[:, self._binary] - 1.0) * SURE_LOGIT
        names = [rows[:, list(group)] * SURE_LOGIT for group in self.layout.groups]
        return np.concatenate([numbers, np.full_like(numbers, MIN_LOG_VARIANCE), flags, *names], axis=1)

    def _gaussian_parts(self, xp: Any, outputs: Array, rows: Array, presence: Array) -> Array:
        mean = outputs[:, : self.n_gaussian]
        log_variance = xp.clip(outputs[:, self.n_gaussian : 2 * self.n_gaussian], MIN_LOG_VARIANCE, MAX_LOG_VARIANCE)
        deviation = rows[:, self._gaussian] - mean
        nats = 0.5 * deviation * deviation * xp.exp(-log_variance) + 0.5 * log_variance + HALF_LOG_TWO_PI
        return nats * presence[:, np.asarray(self.layout.gaussian_column, np.int32)]

    def _binary_parts(self, xp: Any, outputs: Array, rows: Array, presence: Array) -> Array:
        logits = outputs[:, 2 * self.n_gaussian : 2 * self.n_gaussian + self.n_binary]
        # -ln sigmoid(+-logit) without overflow: the softplus of the logit of the value that did not occur
        signed = (1.0 - 2.0 * rows[:, self._binary]) * logits
        nats = xp.maximum(signed, 0.0) + xp.log1p(xp.exp(-xp.abs(signed)))
        judged = presence[:, np.asarray(self.layout.binary_column, np.int32)]
        return nats * xp.where(self._flags_presence, 1.0, judged)

    def _logits(self, xp: Any, outputs: Array) -> Array:
        """Return the category logits padded to [n, c, largest group]; the padding's probability is 0 in float32."""
        logits = outputs[:, 2 * self.n_gaussian + self.n_binary :]
        padding = xp.full((logits.shape[0], 1), -1e9, logits.dtype)
        return xp.take(xp.concatenate([logits, padding], axis=1), self._place, axis=1)

    def _category_parts(self, xp: Any, outputs: Array, rows: Array) -> Array:
        if not self.layout.groups:
            return xp.zeros((outputs.shape[0], 0), outputs.dtype)
        logits = self._logits(xp, outputs)
        highest = xp.max(logits, axis=2, keepdims=True)
        log_total = xp.log(xp.sum(xp.exp(logits - highest), axis=2)) + highest[:, :, 0]
        features = np.asarray([feature for group in self.layout.groups for feature in group], np.int32)
        ones = xp.concatenate([rows[:, features], xp.zeros((rows.shape[0], 1), rows.dtype)], axis=1)
        drawn = xp.take(ones, self._place, axis=1)
        return xp.sum(drawn * (log_total[:, :, None] - logits), axis=2)


@dataclass(frozen=True)
class SquaredError:
    """The article's reconstruction error: sigmoid outputs and squared error, for columns of every kind."""

    layout: FeatureLayout

    @property
    def n_outputs(self) -> int:
        """Number of outputs that the decoder must have."""
        return self.layout.n_features

    @cached_property
    def column_sums(self) -> ColumnSums:
        """Sums features [n, n_features] into columns [n, n_columns], in NumPy."""
        return ColumnSums(self.layout.feature_column, self.layout.n_columns)

    @cached_property
    def to_column(self) -> npt.NDArray[np.float32]:
        """The matrix [n_features, n_columns] of ``column_sums``, for products in any array namespace."""
        return _indicator(self.column_sums.owners, self.layout.n_columns)

    def negative_log_likelihood(self, xp: Any, outputs: Array, rows: Array, presence: Array) -> Array:
        """Squared errors [n, n_columns]: up to a constant, the nats of a normal distribution with variance 1/2."""
        return self.column_sums(self.parts(xp, outputs, rows, presence))

    def parts(self, xp: Any, outputs: Array, rows: Array, presence: Array) -> Array:  # noqa: ARG002
        """Squared errors by feature [n, n_features]."""
        error = rows - self._reconstruction(xp, outputs)
        return error * error

    def mean_absolute_error(self, outputs: Array, rows: Array) -> Array:
        """Return the article's score by column [n, n_columns].

        The sum over the columns is the row's mean absolute error over the features.
        """
        error = rows - _sigmoid(outputs)
        return self.column_sums(np.abs(error, out=error)) / max(self.layout.n_features, 1)

    def expected_rows(self, outputs: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Return the reconstruction [n, n_features], and that every value is expected to be present."""
        rows = np.asarray(self._reconstruction(np, outputs), np.float32)
        return rows, np.ones((len(rows), self.layout.n_columns), np.bool_)

    def constant_outputs(self, rows: npt.NDArray[np.floating], presence: npt.NDArray[np.bool_]) -> Floats:  # noqa: ARG002
        """Return the outputs [n_features] whose reconstruction is the mean row."""
        return _logit(rows.mean(axis=0, dtype=np.float64))

    def copied_outputs(self, rows: npt.NDArray[np.floating]) -> Floats:
        """Return the outputs [n, n_features] whose reconstruction is the row itself, clipped to (0, 1)."""
        return _logit(rows)

    def _reconstruction(self, xp: Any, outputs: Array) -> Array:
        # the sigmoid by tanh, which saturates where exp would overflow
        return 0.5 * (1.0 + xp.tanh(0.5 * outputs))


Likelihood: TypeAlias = MixedLikelihood | SquaredError


def _sigmoid(logits: npt.NDArray[np.floating]) -> Floats:
    """Return the sigmoid by NumPy's exp, which takes a third of the time of its tanh in ``_reconstruction``."""
    shares = np.minimum(-logits, MAX_EXPONENT)
    np.exp(shares, out=shares)
    shares += 1.0
    return np.asarray(np.reciprocal(shares, out=shares))


def _logit(share: npt.NDArray[np.floating]) -> Floats:
    bounded = np.clip(np.asarray(share, np.float64), 1e-9, 1.0 - 1e-9)
    return np.asarray(np.log(bounded / (1.0 - bounded)))


def _indicator(owners: tuple[int, ...], n_columns: int) -> npt.NDArray[np.float32]:
    """Return the matrix float32 [len(owners), n_columns] whose product with parts sums them by column."""
    indicator = np.zeros((len(owners), n_columns), np.float32)
    indicator[np.arange(len(owners)), np.asarray(owners, np.int32)] = 1.0
    return indicator


def _padded_groups(groups: tuple[tuple[int, ...], ...]) -> npt.NDArray[np.int32]:
    """Return the index [c, largest group] of each group's features among the concatenated features of all groups.

    Entries past the end of a group point to the padding, which follows the last feature.
    """
    largest = max((len(group) for group in groups), default=0)
    total = sum(len(group) for group in groups)
    places = np.full((len(groups), largest), total, np.int32)
    start = 0
    for index, group in enumerate(groups):
        places[index, : len(group)] = np.arange(start, start + len(group))
        start += len(group)
    return places
