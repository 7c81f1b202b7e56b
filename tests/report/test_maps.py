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

import oddrow.report
from oddrow.exceptions import MissingExtraError, OutputError, SettingError
from oddrow.report import MapSummary, Panel, _maps, draw_maps, draw_panels


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


def panels_of(*titles):
    rng = np.random.default_rng(0)
    return [
        Panel(points=rng.normal(size=(60, 2)), labels=np.arange(60) % 10, title=title, caption="word " * 40)
        for title in titles
    ]


def contents_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "made" / "on demand"
    return draw_maps(labelled_summary(), folder), folder


@pytest.fixture
def blank(monkeypatch):
    """Every picture is a file without content: for laws about files alone."""
    for figure in ("_maps_figure", "_distribution_figure"):
        monkeypatch.setattr(_maps, figure, lambda *_: None)
    monkeypatch.setattr(_maps, "_render", lambda _: [b"", b""])


def test_every_picture_is_written_in_both_formats_and_nothing_else(drawn):
    paths, folder = drawn
    stems = [
        "latent_by_surprise", "latent_by_decision", "latent_by_truth",
        "latent_maps", "surprise_distribution", "learning_curve",
    ]  # fmt: skip
    assert paths == [folder / f"{stem}.{form}" for stem in stems for form in ("png", "svg")]
    assert set(folder.iterdir()) == set(paths)


def test_every_png_shows_something(drawn):
    for path in drawn[0]:
        if path.suffix == ".png":
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
    content = (drawn[1] / f"{stem}.svg").read_text()
    assert ET.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own file
    # Letters are drawn as outlines, so that a picture looks alike everywhere; the text stands in comments.
    for text in [*texts, "a table &amp; its $rows$"]:
        assert f"<!-- {text}" in content


def test_the_same_summary_gives_the_same_bytes_whatever_the_users_settings(drawn, monkeypatch):
    monkeypatch.setitem(rcParams, "font.size", 20.0)
    monkeypatch.setitem(rcParams, "svg.hashsalt", None)
    summary = labelled_summary()
    with _maps._drawing():
        again = {
            "latent_by_surprise": _maps._maps_figure(summary, [_maps._paint_surprise]),
            "surprise_distribution": _maps._distribution_figure(summary),
        }
        for stem, figure in again.items():
            before = [(drawn[1] / f"{stem}.{form}").read_bytes() for form in ("png", "svg")]
            assert _maps._render(figure) == before, stem
    assert rcParams["font.size"] == 20.0


@pytest.mark.usefixtures("blank")
def test_nothing_is_written_when_one_file_exists_unless_forced(tmp_path):
    summary = summary_of(np.eye(2), [1.0, 2.0])
    (tmp_path / "surprise_distribution.svg").write_text("mine")
    with pytest.raises(OutputError, match=r"surprise_distribution\.svg exists already.*--force"):
        draw_maps(summary, tmp_path)
    assert contents_of(tmp_path) == {"surprise_distribution.svg": b"mine"}
    draw_maps(summary, tmp_path, force=True)
    assert len(contents_of(tmp_path)) == 8
    assert (tmp_path / "surprise_distribution.svg").read_bytes() != b"mine"


@pytest.mark.usefixtures("blank")
def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        draw_maps(summary_of(np.eye(2), [1.0, 2.0]), tmp_path / "file")


@pytest.mark.usefixtures("blank")
def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    (tmp_path / "latent_by_surprise.png").write_text("old")
    monkeypatch.setattr(_maps.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OutputError, match=r"latent_by_surprise\.png cannot be written: No space left"):
        draw_maps(summary_of(np.eye(2), [1.0, 2.0]), tmp_path, force=True)
    assert contents_of(tmp_path) == {"latent_by_surprise.png": b"old"}


def test_forty_thousand_rows_spread_evenly_stay_below_a_megabyte():
    rng = np.random.default_rng(0)
    is_odd = rng.random(40_000) < 0.4
    summary = summary_of(rng.random((40_000, 2)), rng.exponential(2, 40_000), is_odd=is_odd)
    paint = partial(_maps._paint_groups, is_odd, _maps.DECISION, "decision")
    with _maps._drawing():
        _, svg = _maps._render(_maps._maps_figure(summary, [paint, paint]))
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
    with _maps._drawing():
        paint_decision = partial(_maps._paint_groups, summary.is_odd, _maps.DECISION, "decision")
        figures = [
            _maps._maps_figure(summary, [_maps._paint_surprise, paint_decision]),
            _maps._distribution_figure(summary),
        ]
        if summary.learning_curve is not None:
            figures.append(_maps._curve_figure(summary.learning_curve, summary.title))
        for figure in figures:
            figure.draw_without_rendering()


def test_odd_rows_are_drawn_over_the_others_in_another_colour_and_with_another_marker():
    summary = summary_of([[0, 0], [0, 1], [1, 1]], [9.0, 1.0, 2.0])
    axes = Figure().subplots()
    window = _maps.MapWindow.around(summary.latent_map)
    _maps._paint_groups(summary.is_odd, _maps.DECISION, "decision", axes, summary, window)
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


def test_a_panels_caption_counts_the_rows_too_far_out():
    points = np.random.default_rng(0).normal(size=(60, 2))
    points[:2] = [[1e6, 0.0], [0.0, -1e6]]
    panel = Panel(points=points, labels=np.zeros(60, dtype=int), title="far", caption="A sentence.")
    with _maps._drawing():
        figure = _maps._panels_figure([panel], np.arange(1), "")
    (caption,) = figure.axes[0].texts
    counted = "A sentence. (2 rows farther out: triangles at the border)"
    assert caption.get_text().replace("\n", " ") == counted


def test_panels_are_laid_out_in_rows_of_three():
    with _maps._drawing():
        figure = _maps._panels_figure(panels_of("a", "b", "c", "d"), np.arange(10), "four")
    tops = [axes.get_subplotspec().rowspan.start for axes in figure.axes]
    assert tops == [0, 0, 0, 1, 1, 1]
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2


def test_panels_refuse_none_and_too_many_classes(tmp_path):
    with pytest.raises(SettingError, match="panels is empty"):
        draw_panels([], tmp_path / "none", title="")
    other = Panel(points=np.zeros((1, 2)), labels=np.array([10]), title="")
    with pytest.raises(SettingError, match="the panels hold 11 classes"):
        draw_panels([*panels_of("ten"), other], tmp_path / "many", title="")


def test_without_matplotlib_the_answer_is_the_install_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'oddrow\[plot\]'"):
        draw_maps(summary_of(np.eye(2), [1.0, 2.0]), tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_importing_loads_no_matplotlib_drawing_no_pyplot_and_another_process_draws_the_same(tmp_path):
    program = """
import sys
from pathlib import Path
import numpy as np
from oddrow.report import Panel, draw_panels
assert "matplotlib" not in sys.modules
panel = Panel(points=np.eye(2), labels=np.arange(2), title="t")
draw_panels([panel], Path(sys.argv[1]), title="t")
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program, str(tmp_path / "there")], check=True)
    panel = Panel(points=np.eye(2), labels=np.arange(2), title="t")
    for path in draw_panels([panel], tmp_path / "here", title="t"):
        assert path.read_bytes() == (tmp_path / f"there{path.suffix}").read_bytes()


def test_the_table_of_contents_is_what_is_there():
    public = {name for name in vars(oddrow.report) if not name.startswith("_")}
    assert public == set(oddrow.report.__all__)
