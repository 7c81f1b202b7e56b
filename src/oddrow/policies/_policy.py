"""The protocol of a policy: its input, its threshold, its decision and its promise."""

from __future__ import annotations

from dataclasses import Field, dataclass
from typing import Any, ClassVar, Protocol

from oddrow.calibration import Calibration
from oddrow.policies._decision import Decision, RowScores
from oddrow.policies._flood import RareLevel
from oddrow.policies._promise import Promise


@dataclass(frozen=True)
class DayColumn:
    """The column that contains the day of each row.

    Attributes
    ----------
    name : the name of the column; None for the only timestamp column of the model
    """

    name: str | None = None


@dataclass(frozen=True)
class Needs:
    """What a policy needs besides the surprise and the p-value of the row that it decides on.

    All code that applies policies (a fitted model, batch scoring, ``find``, the ONNX export, the command line) reads
    these needs, so it handles every registered policy without knowing its class.

    Attributes
    ----------
    all_rows : whether the decision on one row depends on the other rows of the table
    day : the column of the days that it receives as :attr:`RowScores.day`; None if it needs no days
    labelled_sample : whether the policy must learn from a labelled sample before it can decide
    """

    all_rows: bool = False
    day: DayColumn | None = None
    labelled_sample: bool = False


class Policy(Protocol):
    """A rule that decides which rows are odd, from their surprise. It can be changed without a new fit.

    A policy is a frozen dataclass, and a model file stores its fields. The field ``kind`` is the name under which the
    policy is registered; its type is a ``Literal`` of that name, which is also its default::

        kind: Literal["my-policy"] = field(default="my-policy", repr=False)

    After :func:`register`, detectors accept the policy and model files can hold it.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def kind(self) -> str:
        """The name of the policy in a model file and in the registry."""

    @property
    def needs(self) -> Needs:
        """What the policy needs besides the scores of a row."""

    def threshold(self, calibration: Calibration) -> float | None:
        """Return the surprise in nats above which a row is odd; None if it depends on the rows to decide on."""

    def promise(self, calibration: Calibration) -> Promise:
        """Return what the policy promises with this calibration, before any row is decided on.

        Raises
        ------
        SettingError
            If the calibration cannot support it.
        """

    def rare_level(self, calibration: Calibration) -> RareLevel:
        """Return the surprise above which rows are counted to test for a flood, see :func:`flood_note`."""

    def decide(self, rows: RowScores, calibration: Calibration) -> Decision:
        """Decide which rows are odd.

        Raises
        ------
        SettingError
            If the calibration cannot support the promise.
        """


def decide_above(threshold: float, promise: Promise, rows: RowScores) -> Decision:
    """Flag the rows whose surprise is above a threshold that is the same for every table."""
    return Decision(rows.surprise > threshold, threshold, promise)


def rare_above(threshold: float, calibration: Calibration) -> RareLevel:
    """Return the rare level of a policy with a fixed threshold: the threshold itself."""
    return RareLevel(threshold, calibration.exceedances(threshold))
