"""Draw the pictures of docs/evidence.md: what each view, by itself, makes of a small table.

Run ``python tools/draw_views.py docs/pictures``. It needs matplotlib (the ``plot`` extra) and takes about a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from oddrow import VAEDetector
from oddrow.views import VIEWS

CELLS = 90
"""Cells of a picture along each side."""
MAX_NATS = 8.0
"""Surprise at the end of the colour scale."""


def training_rows(rng: np.random.Generator) -> np.ndarray:
    """A narrow ridge, a dense cluster and a loose cluster: float64 [1,200, 2]."""
    along = rng.uniform(-3.0, 3.0, 600)
    ridge = np.column_stack([along, 0.8 * along + rng.normal(0.0, 0.15, 600)])
    dense = rng.normal((2.5, -2.5), 0.12, (300, 2))
    loose = rng.normal((-2.5, 2.5), 0.6, (300, 2))
    return rng.permutation(np.concatenate([ridge, dense, loose]))


def draw(name: str | None, rows: np.ndarray, path: Path) -> None:
    """Draw the surprise of every place of the plane by one view, or by all views if ``name`` is None."""
    weights = None if name is None else {view: float(view == name) for view in VIEWS}
    detector = VAEDetector(random_state=0, view_weights=weights).fit(rows)
    ends = np.linspace(-5.0, 5.0, CELLS)
    x, y = np.meshgrid(ends, ends)
    surprise = detector.surprise(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    figure, axes = plt.subplots(figsize=(2.6, 2.4), dpi=120)
    image = axes.pcolormesh(
        x, y, np.minimum(surprise, MAX_NATS), cmap="viridis", vmin=0, vmax=MAX_NATS, rasterized=True
    )
    axes.scatter(rows[::3, 0], rows[::3, 1], s=1.0, c="white", linewidths=0)
    axes.set(xticks=[], yticks=[], title=name or "all views together")
    axes.title.set_fontsize(9)
    bar = figure.colorbar(image, ax=axes)
    bar.set_label("surprise in nats", fontsize=7)
    bar.ax.tick_params(labelsize=7)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def main(folder: Path) -> None:
    """Draw one picture for each view, and one for all of them."""
    rows = training_rows(np.random.default_rng(0))
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*VIEWS, None):
        draw(name, rows, folder / f"view_{name or 'all'}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
