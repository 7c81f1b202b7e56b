"""The protocol of a policy: what it decides from, what it promises, and what it needs."""

from __future__ import annotations

from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol

from oddrow.calibration import Calibration
from oddrow.policies._decision import Decision, RowScores
from oddrow.policies._flood import RareLevel
from oddrow.policies._promise import Promise


@dataclass(frozen=True)
class DayColumn:
    """The column that gives the day of each row.

    Attributes
    ----------
    name : None for the only timestamp column of the model
    """

    name: str | None = None


@dataclass(frozen=True)
class Needs:
    """What a policy needs besides the surprise and the p-value of the row that it decides on.

    Whoever applies policies (a fitted model, batch scoring, ``find``, the ONNX export, the command line) asks for
    these needs and for nothing else about a policy.

    Attributes
    ----------
    all_rows : whether the decision on one row depends on the other rows of the table
    day : the column whose day it needs for each row, given as :attr:`RowScores.day`; None where it needs none
    labelled_sample : whether the policy must learn from a labelled sample before it can decide
    """

    all_rows: bool = False
    day: DayColumn | None = None
    labelled_sample: bool = False


class Policy(Protocol):
    """A rule that decides from which surprise on a row is odd. It can be changed without fitting again.

    A policy is a frozen dataclass. Its fields are what a model file stores of it. One of them is ``kind``, the name
    under which it is registered, with a ``Literal`` type and that name as its default::

        kind: Literal["my-policy"] = field(default="my-policy", repr=False)

    :func:`register` makes a policy known, so that detectors accept it and model files can hold it.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def kind(self) -> str:
        """The name of the policy in a model file and in the registry."""

    @property
    def needs(self) -> Needs:
        """What the policy needs besides the scores of a row."""

    def threshold(self, calibration: Calibration) -> float | None:
        """The surprise in nats above which a row is odd; None where it depends on the rows to decide on."""

    def promise(self, calibration: Calibration) -> Promise:
        """What the policy promises with this calibration, before it has seen the rows to decide on.

        Raises
        ------
        SettingError
            If the calibration cannot support it.
        """

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """The surprise above which rows are counted to test for a flood, see :func:`flood_note`."""

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Decide rows.

        Raises
        ------
        SettingError
            If the calibration cannot support the promise.
        """


def decide_above(threshold: float, promise: Promise, rows: RowScores) -> Decision:
    """Flag the rows whose surprise is above a threshold that is the same for every table."""
    return Decision(rows.surprise > threshold, threshold, promise)


def rare_above(threshold: float, calibration: Calibration) -> RareLevel:
    """The rare level of a policy that flags what is above a threshold: that threshold."""
    return RareLevel(threshold, calibration.exceedances(threshold))
