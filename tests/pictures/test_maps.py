import pickle
import subprocess
import sys
from functools import partial
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.image import imread

import oddrow.pictures
from oddrow.exceptions import OutputError, SettingError
from oddrow.pictures import MapSummary, Panel, _files, _maps, draw_maps, draw_panels

FORMS = ("png", "svg")
STEMS = (
    "latent_by_surprise", "latent_by_decision", "latent_by_truth",
    "latent_maps", "surprise_distribution", "learning_curve",
)  # fmt: skip


def summary_of(points, surprise, **others):
    surprise = np.asarray(surprise, dtype=np.float64)
    values = {"threshold": 4.6, "is_odd": surprise > 4.6, "title": "a table & its $rows$"}
    points = np.asarray(points, dtype=np.float64)
    return MapSummary(latent_map=points, surprise=surprise, **(values | others))


def labelled_summary():
    rng = np.random.default_rng(0)
    step = np.arange(1, 41) * 50
    reconstruction, kl = 10 + 500.0 / step, 4 * (1 - np.exp(-step / 300))
    curve = SimpleNamespace(
        step=step, training_loss=reconstruction + kl - 1, held_out_loss=reconstruction + kl,
        reconstruction=reconstruction, kl=kl, best_step=1500,
    )  # fmt: skip
    points, surprise = rng.normal(size=(200, 2)), rng.exponential(2, 200)
    points[0] = [1e6, 0.0]
    return summary_of(points, surprise, is_anomaly=rng.random(200) < 0.1, learning_curve=curve)


def panels_of(*titles, classes=3):
    points = np.random.default_rng(0).normal(size=(2 * classes, 2))
    labels = np.arange(2 * classes) % classes
    return [Panel(points=points, labels=labels, title=title, caption="word " * 40) for title in titles]


def contents_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module", autouse=True)
def another_process(tmp_path_factory):
    """A process that draws a summary, and the folder for it; it is at work while the first tests run here."""
    program = """
import pickle, sys
from pathlib import Path
from oddrow.pictures import draw_maps
summary = pickle.load(sys.stdin.buffer)
assert "matplotlib" not in sys.modules
draw_maps(summary, Path(sys.argv[1]))
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    folder = tmp_path_factory.mktemp("drawn") / "made" / "on demand"
    command = [sys.executable, "-W", "error", "-c", program, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        process.stdin.write(pickle.dumps(labelled_summary()))
        process.stdin.close()
        yield process, folder


@pytest.fixture(scope="module")
def drawn(another_process):
    """The folder with the pictures of the labelled summary."""
    process, folder = another_process
    assert process.wait() == 0
    return folder


@pytest.fixture
def blank(monkeypatch):
    """Every picture is a file without content: for laws about files alone."""
    for figure in ("_maps_figure", "_distribution_figure", "_curve_figure"):
        monkeypatch.setattr(_maps, figure, lambda *_: None)
    monkeypatch.setattr(_files, "_render", lambda _: [b"", b""])


@pytest.mark.usefixtures("blank")
def test_the_files_written_are_returned(tmp_path):
    paths = draw_maps(labelled_summary(), tmp_path / "made" / "on demand")
    assert paths == [tmp_path / "made" / "on demand" / f"{stem}.{form}" for stem in STEMS for form in FORMS]


@pytest.mark.usefixtures("blank")
def test_nothing_is_written_when_one_file_exists_unless_forced(tmp_path):
    summary = summary_of(np.eye(2), [1.0, 2.0])
    (tmp_path / "surprise_distribution.svg").write_text("mine")
    with pytest.raises(OutputError, match=r"surprise_distribution\.svg exists already.*force=True"):
        draw_maps(summary, tmp_path)
    assert contents_of(tmp_path) == {"surprise_distribution.svg": b"mine"}
    draw_maps(summary, tmp_path, force=True)
    assert len(contents_of(tmp_path)) == 8
    assert (tmp_path / "surprise_distribution.svg").read_bytes() != b"mine"


def test_forty_thousand_rows_spread_evenly_stay_below_a_megabyte():
    rng = np.random.default_rng(0)
    is_odd = rng.random(40_000) < 0.4
    summary = summary_of(rng.random((40_000, 2)), rng.exponential(2, 40_000), is_odd=is_odd)
    paint = partial(_maps.paint_groups, is_odd, _maps.DECISION, "decision")
    with _files.drawing():
        _, svg = _files._render(_maps._maps_figure(summary, [paint]))
    assert 300_000 < len(svg) < 1_000_000


@pytest.mark.parametrize(
    "summary",
    [
        summary_of([[0, 0], [1, 1], [0, 2]], [0.5, 1.0, 9.0]),
        summary_of([[1, 1]], [0.0], threshold=0.0, is_anomaly=np.array([True]), is_odd=np.array([True])),
        summary_of(np.ones((50, 2)), np.full(50, 0.69), threshold=np.inf, title=""),
        summary_of([[0, 0], [1, 1], [1e30, -1e30]] * 20, [0.5, 1.0, 1e9] * 20),
        summary_of(
            np.eye(2), [1.0, 2.0], title=r"100 $ and \frac{ -- <b> " * 9,
            learning_curve=SimpleNamespace(
                step=np.array([7]), training_loss=np.array([1.0]), held_out_loss=np.array([2.0]),
                reconstruction=np.array([np.nan]), kl=np.array([np.inf]), best_step=7,
            ),
        ),
    ],
    ids=["three rows", "one row", "identical rows", "extreme rows", "one reading"],
)  # fmt: skip
def test_degenerate_summaries_are_drawn_without_a_warning(summary):
    with _files.drawing():
        paint_decision = partial(_maps.paint_groups, summary.is_odd, _maps.DECISION, "decision")
        figures = [
            _maps._maps_figure(summary, [_maps.paint_surprise, paint_decision]),
            _maps._distribution_figure(summary),
        ]
        if summary.learning_curve is not None:
            figures.append(_maps._curve_figure(summary.learning_curve, summary.title))
        for figure in figures:
            figure.draw_without_rendering()


def test_odd_rows_are_drawn_on_top_in_another_colour_and_marker():
    summary = summary_of([[0, 0], [0, 1], [1, 1]], [9.0, 1.0, 2.0])
    axes = Figure().subplots()
    window = _maps.MapWindow.around(summary.latent_map)
    _maps.paint_groups(summary.is_odd, _maps.DECISION, "decision", axes, summary, window)
    normal, odd = axes.collections
    assert (normal.get_offsets() == [[0, 1], [1, 1]]).all()
    assert (odd.get_offsets() == [[0, 0]]).all()
    assert (normal.get_facecolor()[0, :3] != odd.get_edgecolor()[0, :3]).any()
    assert len(normal.get_paths()[0].vertices) != len(odd.get_paths()[0].vertices)


def test_panels_share_one_legend_and_keep_their_captions(tmp_path):
    stem = tmp_path / "run-1.5"
    paths = draw_panels(panels_of("only reconstruction loss", "both"), stem, title="latent spaces")
    assert paths == [tmp_path / "run-1.5.png", tmp_path / "run-1.5.svg"]
    content = paths[1].read_text()
    for text in ["latent spaces", "only reconstruction loss", "both", "word word"]:
        assert f"<!-- {text}" in content
    assert content.count("<!-- class -->") == 1
    before = contents_of(tmp_path)
    with pytest.raises(OutputError, match=r"run-1\.5\.png exists already"):
        draw_panels(panels_of("both"), stem, title="latent spaces")
    assert contents_of(tmp_path) == before


def test_the_caption_of_a_panel_counts_the_rows_outside_the_axes():
    points = np.random.default_rng(0).normal(size=(60, 2))
    points[:2] = [[1e6, 0.0], [0.0, -1e6]]
    panel = Panel(points=points, labels=np.zeros(60, dtype=int), title="far", caption="A sentence.")
    with _files.drawing():
        figure = _maps._panels_figure([panel], np.arange(1), "")
    (caption,) = figure.axes[0].texts
    counted = "A sentence. (2 rows farther out: triangles at the border)"
    assert caption.get_text().replace("\n", " ") == counted


def test_panels_are_laid_out_in_rows_of_three():
    with _files.drawing():
        figure = _maps._panels_figure(panels_of("a", "b", "c", "d"), np.arange(3), "four")
    tops = [axes.get_subplotspec().rowspan.start for axes in figure.axes]
    assert tops == [0, 0, 0, 1, 1, 1]
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2


def test_no_panel_and_too_many_classes_are_refused(tmp_path):
    with pytest.raises(SettingError, match="panels is empty"):
        draw_panels([], tmp_path / "none", title="")
    other = Panel(points=np.zeros((1, 2)), labels=np.array([10]), title="")
    with pytest.raises(SettingError, match="the panels have 11 classes"):
        draw_panels([*panels_of("ten", classes=10), other], tmp_path / "many", title="")


def test_all_lists_the_exported_names():
    public = {name for name in vars(oddrow.pictures) if not name.startswith("_")}
    assert public == set(oddrow.pictures.__all__)


# What another process has drawn -----------------------------------------------------------------------------


def test_drawing_loads_matplotlib_but_importing_does_not_and_nothing_loads_pyplot(another_process):
    process, _ = another_process
    assert process.wait() == 0


def test_every_picture_is_written_in_both_formats_and_nothing_else(drawn):
    assert {path.name for path in drawn.iterdir()} == {f"{stem}.{form}" for stem in STEMS for form in FORMS}


def test_every_png_shows_something(drawn):
    for path in drawn.glob("*.png"):
        picture = imread(path)
        assert min(picture.shape[:2]) > 600, path.name
        is_inked = picture[..., :3].min(axis=2) < 0.9
        assert 0.005 < is_inked.mean() < 0.5, path.name


@pytest.mark.parametrize(
    ("stem", "texts"),
    [
        (
            "latent_by_surprise",
            ["latent axis 1 (PCA)", "latent axis 2 (PCA)", "surprise (nats), threshold 4.6"],
        ),
        ("latent_by_decision", ["not odd (", "odd (", "Triangles at the border: 1 row farther out"]),
        ("latent_by_truth", ["labelled normal (", "labelled anomaly ("]),
        ("latent_maps", ["surprise", "decision", "truth"]),
        ("surprise_distribution", ["surprise (nats)", "threshold (4.6 nats)", "judged odd: "]),
        ("learning_curve", ["training", "held out", "reconstruction", "KL divergence", "best step (1,500)"]),
    ],
)
def test_every_svg_is_well_formed_and_names_what_it_shows(drawn, stem, texts):
    content = (drawn / f"{stem}.svg").read_text()
    assert ET.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own file
    # Letters are drawn as outlines, so that a picture looks alike everywhere; the text stands in comments.
    for text in [*texts, "a table &amp; its $rows$"]:
        assert f"<!-- {text}" in content


def test_a_summary_gives_the_same_bytes_whatever_the_process_and_the_users_settings(drawn, monkeypatch):
    monkeypatch.setitem(rcParams, "font.size", 20.0)
    monkeypatch.setitem(rcParams, "svg.hashsalt", None)
    summary = labelled_summary()
    with _files.drawing():
        again = {
            "latent_by_surprise": _maps._maps_figure(summary, [_maps.paint_surprise]),
            "surprise_distribution": _maps._distribution_figure(summary),
        }
        for stem, figure in again.items():
            assert _files._render(figure) == [(drawn / f"{stem}.{form}").read_bytes() for form in FORMS]
    assert rcParams["font.size"] == 20.0
