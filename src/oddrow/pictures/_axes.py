"""Pictures on one pair of axes, for notebooks: a map of rows, and the parts of one row's surprise."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from oddrow.exceptions import MissingExtraError, SettingError
from oddrow.pictures._maps import DECISION, NORMAL, TRUTH, paint_groups, paint_surprise
from oddrow.pictures._summary import MapSummary, MapWindow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BarOfNats", "Colouring", "plot_map", "plot_nats"]

Colouring: TypeAlias = Literal["surprise", "decision", "truth"]
LETTERS: Final = 48
"""Maximum length of the text beside a bar; a longer text is wrapped, at most to two lines."""


@dataclass(frozen=True)
class BarOfNats:
    """One bar: its text, its length in nats, and whether it belongs to a column (else it is drawn in grey)."""

    text: str
    nats: float
    is_column: bool = True


def plot_map(summary: MapSummary, colour: Colouring, ax: "Axes | None") -> "Axes":
    """Draw the latent map of rows on ``ax``, or on new axes, and return the axes.

    Raises
    ------
    SettingError
        If the colouring is unknown, or if it is the truth and the summary has no labels.
    MissingExtraError
        If matplotlib is not installed.
    """
    if colour not in get_args(Colouring):
        raise SettingError(f"colour is {colour!r}; give one of {', '.join(map(repr, get_args(Colouring)))}")
    if colour == "truth" and summary.is_anomaly is None:
        raise SettingError("colour is 'truth', and there are no labels; give is_anomaly, one boolean per row")
    axes = _axes(ax, width=5.6, height=5.6)
    window = MapWindow.around(summary.latent_map, bulk=~summary.is_odd)
    x_limits, y_limits = window.limits()
    axes.set(xlim=x_limits, ylim=y_limits, xlabel="latent axis 1 (PCA)", ylabel="latent axis 2 (PCA)")
    if colour == "surprise":
        paint_surprise(axes, summary, window)
    elif colour == "decision":
        paint_groups(summary.is_odd, DECISION, "decision", axes, summary, window)
    elif summary.is_anomaly is not None:
        paint_groups(summary.is_anomaly, TRUTH, "truth", axes, summary, window)
    return axes


def plot_nats(bars: Sequence[BarOfNats], title: str, ax: "Axes | None") -> "Axes":
    """Draw horizontal bars that add up to a surprise on ``ax``, or on new axes, the first bar on top.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    axes = _axes(ax, width=9.0, height=0.8 + 0.5 * max(len(bars), 1))
    places = range(len(bars))
    axes.barh(places, [bar.nats for bar in bars], color=[NORMAL if bar.is_column else "#999999" for bar in bars])
    axes.set_yticks(places, [_wrapped(bar.text) for bar in bars], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("part of the surprise (nats)")
    axes.set_title(title, parse_math=False, fontsize="small")
    return axes


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LETTERS, max_lines=2, placeholder=" ..."))


def _axes(ax: "Axes | None", *, width: float, height: float) -> "Axes":
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MissingExtraError(
            "Drawing pictures needs matplotlib, which cannot be imported; run: pip install 'oddrow[plot]'"
        ) from error
    axes: Axes = plt.subplots(figsize=(width, height), layout="constrained")[1]
    return axes
