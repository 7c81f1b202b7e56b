"""Drawing of a comparison of methods: the mean, the interval and the single values of each metric."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from oddrow.exceptions import SettingError
from oddrow.pictures._files import write_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FigureRow", "MethodRow", "draw_comparison"]

# Okabe and Ito's blue, https://jfly.uni-koeln.de/color/, for oddrow's methods, and greys for rivals and notes.
OURS: Final = "#0072B2"
RIVAL: Final = "#444444"
GREY: Final = "#555555"
MAX_LETTERS: Final = 28
"""Maximum length of a method's name in the picture."""


@dataclass(frozen=True)
class FigureRow:
    """One metric of one method: its mean, the ends of its interval (None without one), and its value for each seed."""

    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]
    is_worse: bool = False
    """Whether a significance test finds the mean lower than the best method's."""


@dataclass(frozen=True)
class MethodRow:
    """One line of the picture; a metric is None where the method failed."""

    name: str
    is_ours: bool
    figures: tuple[FigureRow | None, ...]


def draw_comparison(
    rows: Sequence[MethodRow],
    names: Sequence[str],
    chance: Sequence[float],
    path: Path,
    *,
    title: str,
    note: str = "",
    force: bool = False,
) -> Path:
    """Draw methods from top to bottom in their order, with one panel per metric, into a PNG or SVG file.

    Parameters
    ----------
    rows
        The methods, in the order in which they are drawn.
    names, chance
        Name of each metric, and the value that random guessing would reach.
    path
        The file to write; its ending, .png or .svg, is the format.
    title, note
        Text above and below the panels.
    force
        Whether an existing file is overwritten.

    Raises
    ------
    SettingError
        If there is no row.
    OutputError
        If the file exists and ``force`` is False, has another ending, or cannot be written.
    MissingExtraError
        If matplotlib is not installed.
    """
    if not rows:
        raise SettingError("rows is empty; give at least one method")
    write_picture(path, partial(_figure_of, rows, names, chance, title, note), force=force)
    return path


def _figure_of(
    rows: Sequence[MethodRow], names: Sequence[str], chance: Sequence[float], title: str, note: str
) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width = 1.6 + 4.4 * len(names)
    lines = textwrap.wrap(note, int(16.5 * width))
    height = 1.6 + 0.34 * len(rows) + 0.17 * len(lines)
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    figure.suptitle(textwrap.fill(title, int(10 * width)), fontsize=11)
    all_axes = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for index, (axes, name) in enumerate(zip(all_axes, names, strict=True)):
        _paint(axes, [row.figures[index] for row in rows], [row.is_ours for row in rows], chance[index])
        axes.set_xlabel(name)
    all_axes[0].set_yticks(range(len(rows)), [textwrap.shorten(row.name, MAX_LETTERS) for row in rows])
    all_axes[0].set_ylim(len(rows) - 0.5, -0.5)
    for row, label in zip(rows, all_axes[0].get_yticklabels(), strict=True):
        label.set_color(OURS if row.is_ours else "black")
    if lines:
        figure.supxlabel("\n".join(lines), fontsize="small", color=GREY)
    return figure


def _paint(axes: "Axes", figures: Sequence[FigureRow | None], is_ours: Sequence[bool], chance: float) -> None:
    """Draw one panel: ticks for the values, a line for the interval, a disc for the mean.

    The disc is empty where the mean is significantly lower than the best method's.
    """
    low, high = _limits(figures)
    for place, (figure, ours) in enumerate(zip(figures, is_ours, strict=True)):
        colour = OURS if ours else RIVAL
        if figure is None:
            axes.text(low, place, " failed", va="center", fontsize="small", color=GREY, style="italic")
            continue
        if figure.low is not None and figure.high is not None:
            axes.plot([figure.low, figure.high], [place, place], color=colour, linewidth=2.2, alpha=0.45, zorder=2)
        if len(figure.values) > 1:
            heights = np.full(len(figure.values), place)
            axes.plot(figure.values, heights, "|", color=colour, markersize=8, alpha=0.8, zorder=3)
        face = "white" if figure.is_worse else colour
        axes.plot(figure.mean, place, "o", color=colour, markerfacecolor=face, markersize=6.5, zorder=4)
        axes.annotate(
            f"{figure.mean:.3f}", (1, place), xytext=(4, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", fontsize="small", color=colour,
        )  # fmt: skip
    if low < chance < high:
        axes.axvline(chance, color=GREY, linestyle=":", linewidth=1.2, zorder=1)
        axes.annotate(
            "chance", (chance, 1), xytext=(3, -1), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", fontsize="x-small", color=GREY,
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color="#e8e8e8", zorder=0)
    axes.set_axisbelow(True)


def _limits(figures: Sequence[FigureRow | None]) -> tuple[float, float]:
    """Return the ends of the axis: it shows all means and values, and cuts off intervals far beyond them."""
    shown = [value for figure in figures if figure is not None for value in (figure.mean, *figure.values)]
    if not shown:
        return 0.0, 1.0
    lowest, highest = min(shown), max(shown)
    margin = max(0.5 * (highest - lowest), 0.02)
    ends = [end for figure in figures if figure is not None for end in (figure.low, figure.high) if end is not None]
    low = max(min([lowest, *ends]), lowest - margin)
    high = min(max([highest, *ends]), highest + margin)
    pad = 0.04 * (high - low) + 0.002
    return low - pad, min(high + pad, 1.0 + pad)
