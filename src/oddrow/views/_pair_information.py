"""Mutual information between the variables of a table, from few codes of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from oddrow.columns import EncodedTable
from oddrow.scoring_constants import ScoringConstants
from oddrow.views._coding import Coding, Variable, frequent_codes, mutual_information

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

VARIABLES_AT_ONCE = 64
"""Number of variables whose mutual information with the candidates is computed with one matrix product."""


@dataclass(frozen=True)
class PairInformation:
    """The codes of a sample of training rows, from which the mutual information of pairs of variables is counted.

    Attributes
    ----------
    columns : int64 [n_variables], the column of each variable
    candidates : int64 [n_candidates], ascending; the variables that others are compared with
    taken : float32 [n_rows, n_variables, n_codes], 1 where a row has a code
    """

    columns: Places
    candidates: Places
    taken: npt.NDArray[np.float32]

    @classmethod
    def learn(
        cls,
        variables: tuple[Variable, ...],
        training: EncodedTable,
        rng: np.random.Generator,
        constants: ScoringConstants,
    ) -> PairInformation:
        """Draw rows and candidates, at most ``search_rows`` and ``search_parts``, and code the rows."""
        n_codes, n_rows = constants.search_codes, len(training.rows)
        drawn = np.sort(rng.permutation(n_rows)[: constants.search_rows])
        rows, presence = training.rows[drawn], training.presence[drawn]
        codes = Coding.learn(variables, rows, n_codes).codes(rows, presence)
        # categories keep their most frequent names, so that one product over equally many codes covers all pairs
        codes = np.stack([frequent_codes(column, n_codes) for column in codes.T], axis=1) if len(variables) else codes
        taken = (codes[:, :, None] == np.arange(n_codes + 1)).astype(np.float32)
        candidates = np.sort(rng.permutation(len(variables))[: constants.search_parts])
        return cls(np.array([variable.column for variable in variables], np.int64), candidates, taken)

    def about(self, variables: Places) -> Floats:
        """Return the mutual information [k, n_candidates] of variables [k] with the candidates, in nats.

        It is 0 for a candidate of the same column.
        """
        n_rows, _, n_codes = self.taken.shape
        others = self.taken[:, self.candidates].reshape(n_rows, -1)
        found = np.empty((len(variables), len(self.candidates)))
        for start in range(0, len(variables), VARIABLES_AT_ONCE):
            block = variables[start : start + VARIABLES_AT_ONCE]
            own = self.taken[:, block].reshape(n_rows, -1)
            joint = (own.T @ others).reshape(len(block), n_codes, len(self.candidates), n_codes)
            nats = mutual_information(joint.transpose(0, 2, 1, 3).astype(np.float64) / n_rows, n_rows)
            nats[self.columns[block, None] == self.columns[self.candidates]] = 0.0
            found[start : start + len(block)] = nats
        return found

    def most_informative(self) -> Places:
        """Return the index of the most informative candidate for each variable [n_variables]; -1 if none is."""
        if not len(self.candidates):
            return np.full(len(self.columns), -1)
        nats = self.about(np.arange(len(self.columns)))
        best = np.argmax(nats, axis=1)
        return np.where(nats[np.arange(len(nats)), best] > 0, self.candidates[best], -1)

    def columns_related_to(self, column: int) -> Places:
        """Return the columns of the candidates, the one most informative about ``column`` first, without ``column``.

        The information between two columns is the largest between two of their variables.
        """
        nats = self.about(np.flatnonzero(self.columns == column)).max(axis=0, initial=0.0)
        others, place = np.unique(self.columns[self.candidates], return_inverse=True)
        largest = np.zeros(len(others))
        np.maximum.at(largest, place, nats)
        ordered = others[np.argsort(-largest, kind="stable")]
        return np.asarray(ordered[ordered != column])
