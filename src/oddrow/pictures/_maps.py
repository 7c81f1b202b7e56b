"""Drawing of a summary as PNG and SVG: maps of the latent space, the distribution of surprise, the learning curve.

matplotlib is the extra ``oddrow[plot]`` and is imported only while drawing. Figures are made without pyplot, so no
figure stays open and no window is needed. While pictures are drawn, matplotlib's settings are changed in the whole
process; they are restored afterwards.
"""

import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from oddrow.exceptions import SettingError
from oddrow.pictures._files import write_pictures
from oddrow.pictures._summary import (
    MAX_CLASSES,
    LossCurve,
    MapSummary,
    MapWindow,
    Panel,
    SurpriseHistogram,
    colour_ceiling,
    curve_limits,
    surprise_histogram,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_maps", "draw_panels"]

# Okabe and Ito's blue and vermillion, https://jfly.uni-koeln.de/color/, which people with colour blindness can tell
# apart.
NORMAL, ODD = "#0072B2", "#D55E00"
# Two more of their colours for the parts of the loss, so that a part does not look like the loss.
RECONSTRUCTION, KL = "#009E73", "#CC79A7"
GREY: Final = "#555555"
# Paul Tol's "muted" scheme, https://sronpersonalpages.nl/~pault/, with a dark grey for its pale one.
CLASS_COLOURS: Final = (
    "#332288", "#88CCEE", "#117733", "#DDCC77", "#CC6677",
    "#44AA99", "#882255", "#999933", "#AA4499", "#555555",
)  # fmt: skip
CLASS_MARKERS: Final = "os^DvP<X>p"

DECISION: Final = ("not odd", "odd")
TRUTH: Final = ("labelled normal", "labelled anomaly")

Painter = Callable[["Axes", MapSummary, MapWindow], None]


def draw_maps(summary: MapSummary, folder: Path, *, force: bool = False) -> list[Path]:
    """Draw a summary into a folder, each picture as PNG and as SVG, and return the files written.

    ``latent_by_surprise``, ``latent_by_decision`` and, for a labelled table, ``latent_by_truth`` are maps of the rows;
    ``latent_maps`` shows them side by side on the same axes. ``surprise_distribution`` is a histogram of the surprise.
    ``learning_curve`` is drawn if the summary has one. The folder is made if it does not exist. The same summary gives
    the same bytes.

    Raises
    ------
    OutputError
        If one of the files exists and ``force`` is False (then no file is written), or if a file cannot be written
        (each file is written atomically).
    MissingExtraError
        If matplotlib is not installed.
    """
    painters: dict[str, Painter] = {
        "latent_by_surprise": paint_surprise,
        "latent_by_decision": partial(paint_groups, summary.is_odd, DECISION, "decision"),
    }
    if summary.is_anomaly is not None:
        painters["latent_by_truth"] = partial(paint_groups, summary.is_anomaly, TRUTH, "truth")
    pictures: dict[str, Callable[[], Figure]] = {
        name: partial(_maps_figure, summary, [paint]) for name, paint in painters.items()
    }
    pictures["latent_maps"] = partial(_maps_figure, summary, list(painters.values()))
    pictures["surprise_distribution"] = partial(_distribution_figure, summary)
    if summary.learning_curve is not None:
        pictures["learning_curve"] = partial(_curve_figure, summary.learning_curve, summary.title)
    return write_pictures({folder / name: draw for name, draw in pictures.items()}, force=force)


def draw_panels(panels: Sequence[Panel], path_stem: Path, *, title: str, force: bool = False) -> list[Path]:
    """Draw latent spaces side by side, each on its own axes, as ``path_stem`` + ``.png`` and ``.svg``.

    A class has the same colour and marker in all panels, and one entry in the legend. Rows outside the axes are drawn
    as triangles at the border, and the caption says how many they are.

    Raises
    ------
    SettingError
        If there is no panel, or if the panels have more than ten classes together.
    OutputError, MissingExtraError
        As in :func:`draw_maps`.
    """
    if not panels:
        raise SettingError("panels is empty; give at least one panel")
    classes = np.unique(np.concatenate([panel.labels for panel in panels]))
    if len(classes) > MAX_CLASSES:
        raise SettingError(f"the panels have {len(classes)} classes; a picture shows at most {MAX_CLASSES}")
    return write_pictures({path_stem: partial(_panels_figure, panels, classes, title)}, force=force)


# ---------------------------------------------------------------- figures


def _maps_figure(summary: MapSummary, painters: Sequence[Painter]) -> "Figure":
    figure = _figure(summary.title, width=5.6 * len(painters), height=6.2)
    window = MapWindow.around(summary.latent_map, bulk=~summary.is_odd)
    x_limits, y_limits = window.limits()
    all_axes = figure.subplots(1, len(painters), sharex=True, sharey=True, squeeze=False)[0]
    for axes, paint in zip(all_axes, painters, strict=True):
        axes.set(xlim=x_limits, ylim=y_limits, xlabel="latent axis 1 (PCA)")
        paint(axes, summary, window)
    all_axes[0].set_ylabel("latent axis 2 (PCA)")
    outside = int((window.sides(summary.latent_map) != "").sum())
    if outside:
        _note(figure, f"Triangles at the border: {_rows(outside)} farther out than the axes reach.")
    return figure


def _distribution_figure(summary: MapSummary) -> "Figure":
    figure = _figure(summary.title, width=8.0, height=5.2)
    axes = figure.subplots()
    histogram = surprise_histogram(summary)
    _paint_bars(axes, histogram, DECISION if summary.is_anomaly is None else TRUTH)
    if np.isfinite(summary.threshold):
        name = f"threshold ({summary.threshold:.3g} nats)"
        axes.axvline(summary.threshold, color="black", linestyle="--", linewidth=1.2, label=name)
    low, high = histogram.edges[[0, -1]]
    axes.set(xlabel="surprise (nats)", xlim=(low, high + 0.01 * (high - low)))
    axes.set_title(_counts_sentence(summary), fontsize="small")
    _key(axes, axes.get_legend_handles_labels()[0])
    if histogram.beyond:
        _note(figure, f"The last bar also counts {_rows(histogram.beyond)} beyond the axis.")
    return figure


def _curve_figure(curve: LossCurve, title: str) -> "Figure":
    figure = _figure(title, width=10.0, height=4.6)
    sides = (
        ("loss", ("training", curve.training_loss, NORMAL), ("held out", curve.held_out_loss, ODD)),
        (
            "parts of the held-out loss",
            ("reconstruction", curve.reconstruction, RECONSTRUCTION),
            ("KL divergence", curve.kl, KL),
        ),
    )
    # Up to 30 checks are drawn as dots joined by lines, more as a line alone.
    dots = "o" if len(curve.step) <= 30 else ""
    is_cut = False
    for axes, (name, *series) in zip(figure.subplots(1, 2), sides, strict=True):
        for (label, values, colour), dashes in zip(series, ("--", "-"), strict=True):
            look = {"color": colour, "linestyle": dashes, "marker": dots, "markersize": 3.5}
            axes.plot(curve.step, values, label=label, **look)
        best = f"best step ({curve.best_step:,})"
        axes.axvline(curve.best_step, color="black", linestyle=":", linewidth=1.4, label=best)
        low, high = curve_limits([values for _, values, _ in series])
        is_cut = is_cut or any((values > high).any() for _, values, _ in series)
        axes.set(title=name, xlabel="step", ylabel="nats per row", ylim=(low, high))
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        axes.xaxis.set_major_formatter(_thousands)
        _key(axes, axes.get_legend_handles_labels()[0])
    if is_cut:
        _note(figure, "Losses far above the others are cut off.")
    return figure


def _panels_figure(panels: Sequence[Panel], classes: NDArray[Any], title: str) -> "Figure":
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure = _figure(title, width=4.6 * columns, height=5.9 * lines)
    all_axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, panel in zip(all_axes, panels, strict=False):
        _paint_panel(axes, panel, classes)
    for axes in all_axes[len(panels) :]:
        axes.set_axis_off()
    looks = zip(classes, CLASS_COLOURS, CLASS_MARKERS, strict=False)
    handles = [_sample(str(label), colour, marker) for label, colour, marker in looks]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(classes), title="class")
    return figure


# ---------------------------------------------------------------- one pair of axes


def paint_surprise(axes: "Axes", summary: MapSummary, window: MapWindow) -> None:
    """Draw the rows coloured by surprise, the highest on top, with a colour bar underneath."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    ceiling = colour_ceiling(summary)
    order = np.argsort(summary.surprise, kind="stable")
    surprise = summary.surprise[order]
    # The colour map is reversed, so that rows of high surprise are dark on a white page.
    floor = min(0.0, float(surprise[0]))
    scale = ScalarMappable(Normalize(floor, ceiling), "viridis_r")
    _scatter(axes, window, summary.latent_map[order], scale.to_rgba(surprise), alpha=0.8)
    beyond = int((surprise > ceiling).sum())
    bar = axes.figure.colorbar(
        scale, ax=axes, location="bottom", extend="max" if beyond else "neither", pad=0.02, aspect=30
    )
    label = "surprise (nats)"
    if floor <= summary.threshold < ceiling:
        bar.ax.axvline(summary.threshold, color=ODD, linewidth=2.5)
        label += f", threshold {summary.threshold:.3g} marked"
    bar.set_label(label + (f"\ncolours end at {ceiling:.3g}; {_rows(beyond)} above" if beyond else ""))
    axes.set_title("surprise")


def paint_groups(
    is_odd: NDArray[np.bool_], names: tuple[str, str], title: str,
    axes: "Axes", summary: MapSummary, window: MapWindow,
) -> None:  # fmt: skip
    """Draw two groups of rows in different colours and markers, the odd rows on top, with a legend underneath."""
    points, samples = summary.latent_map, []
    for group, name, colour, marker in ((~is_odd, names[0], NORMAL, "o"), (is_odd, names[1], ODD, "x")):
        alpha = 0.75 if marker == "x" else None
        _scatter(axes, window, points[group], colour, marker=marker, alpha=alpha, crowd=len(points))
        samples.append(_sample(f"{name} ({int(group.sum()):,})", colour, marker))
    _key(axes, samples)
    axes.set_title(title)


def _paint_bars(axes: "Axes", histogram: SurpriseHistogram, names: tuple[str, str]) -> None:
    """Draw hatched bars of the odd rows over bars of the normal rows, on an axis where a single row is visible."""
    highest = max(histogram.normal.max(), histogram.odd.max())
    is_log = highest > 50
    base = 0.5 if is_log else 0.0
    for counts, name, colour, hatch in (
        (histogram.normal, names[0], NORMAL, None),
        (histogram.odd, names[1], ODD, "////"),
    ):
        # NaN instead of 0: a bar of height 0 would be drawn as a line along the axis.
        axes.stairs(
            np.where(counts > 0, counts, np.nan), histogram.edges, baseline=base, fill=True, hatch=hatch,
            facecolor=(colour, 0.45), edgecolor=colour, linewidth=0.9, label=f"{name} ({counts.sum():,})",
        )  # fmt: skip
    if is_log:
        axes.set(yscale="log", ylabel="rows (logarithmic)", ylim=(base, 2 * highest))
    else:
        axes.set(ylabel="rows", ylim=(base, 1.1 * highest))
        axes.locator_params(axis="y", integer=True)
    axes.yaxis.set_major_formatter(_thousands)


def _paint_panel(axes: "Axes", panel: Panel, classes: NDArray[Any]) -> None:
    window = MapWindow.around(panel.points)
    # Rows are drawn in ten interleaved groups. Drawn class after class, the last class would cover all others.
    for part in range(10):
        points, labels = panel.points[part::10], panel.labels[part::10]
        for label, colour, marker in zip(classes, CLASS_COLOURS, CLASS_MARKERS, strict=False):
            crowd = len(panel.points)
            _scatter(axes, window, points[labels == label], colour, marker=marker, crowd=crowd)
    x_limits, y_limits = window.limits()
    axes.set(xlim=x_limits, ylim=y_limits, title=panel.title, xlabel="latent axis 1", ylabel="latent axis 2")
    axes.set_box_aspect(1)
    outside = int((window.sides(panel.points) != "").sum())
    note = f" ({_rows(outside)} farther out: triangles at the border)" if outside else ""
    axes.annotate(
        textwrap.fill(panel.caption + note, 56), (0, 0), xytext=(0, -44), xycoords="axes fraction",
        textcoords="offset points", va="top", fontsize="small",
    )  # fmt: skip


def _scatter(
    axes: "Axes", window: MapWindow, points: NDArray[Any], colour: Any, *,
    marker: str = "o", alpha: float | None = None, crowd: int | None = None,
) -> None:  # fmt: skip
    """Draw points [n, 2]; points outside the window become triangles at its border.

    ``colour`` is one colour for all points, or float [n, 4], one colour per point. ``crowd`` is the number of rows on
    the axes, from which the size and the opacity of the markers follow.
    """
    root = float(np.sqrt(crowd or max(1, len(points))))
    size = float(np.clip(600 / root, 3, 40))
    sides, placed = window.sides(points), window.clamp(points)
    for side in np.unique(sides):
        here = sides == side
        shape = str(side) or marker
        axes.scatter(
            placed[here, 0],
            placed[here, 1],
            c=colour if isinstance(colour, str) else colour[here],
            marker=shape,
            # Markers other than the dot are doubled in area, since they fill less of their box; triangles are larger.
            s=max(25, size) if side else size * (1 if shape == "o" else 2),
            alpha=1 if side else alpha or float(np.clip(60 / root, 0.35, 0.9)),
            linewidths=0.6 if shape == "x" else 0,
            # In an SVG the rows become one bitmap instead of up to 40,000 paths.
            rasterized=True,
        )


# ---------------------------------------------------------------- titles, notes and legends


def _figure(title: str, *, width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    figure.suptitle(textwrap.fill(title, int(11 * width)), fontsize=11)
    return figure


def _note(figure: "Figure", text: str) -> None:
    figure.supxlabel(text, fontsize="small", color=GREY)


def _key(axes: "Axes", handles: Sequence[Any]) -> None:
    """Put a legend below the axes and their label, where it cannot cover rows."""
    from matplotlib.transforms import ScaledTranslation

    below = axes.transAxes + ScaledTranslation(0, -0.55, axes.figure.dpi_scale_trans)
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, ncols=3,
        borderaxespad=0,
    )  # fmt: skip


def _sample(name: str, colour: str, marker: str) -> Any:
    """Return a legend's entry, larger and more opaque than the markers of the rows."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=6, label=name)


def _counts_sentence(summary: MapSummary) -> str:
    is_odd, truth = summary.is_odd, summary.is_anomaly
    if truth is None:
        return f"judged odd: {int(is_odd.sum()):,} of {_rows(len(is_odd))} ({is_odd.mean():.1%})"
    parts = [
        f"{int((is_odd & group).sum()):,} of {int(group.sum()):,} {name}"
        for group, name in ((truth, "labelled anomalies"), (~truth, "labelled normal rows"))
    ]
    return f"judged odd: {' and '.join(parts)}"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _thousands(value: float, _position: float) -> str:
    return f"{value:,.10g}"
