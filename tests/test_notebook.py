"""What results show in a notebook: escaped HTML that loads nothing, and text elsewhere."""

import re
import sys
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import oddrow
from oddrow._notebook import Bar, panel, show
from oddrow.exceptions import SettingError

pytest.importorskip("matplotlib").use("Agg")
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """All tags and attributes of a piece of HTML."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def tags_of(html):
    parser = Tags()
    parser.feed(html)
    return parser


def check_harmless(html):
    """No scripts, no event handlers, and nothing that a browser would load."""
    found = tags_of(html)
    assert found.tags <= {"div", "strong", "p", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert found.attributes <= {"style", "scope"}
    assert "url(" not in html


@pytest.fixture(scope="module")
def frame():
    """Rows whose index are names, with one planted odd row and a hostile column name."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(300, 2)), columns=["size", HOSTILE], index=[f"r{i}" for i in range(300)])
    rows.iloc[7, 1] = 40.0
    return rows


@pytest.fixture(scope="module")
def detector(frame):
    return oddrow.VAEDetector(random_state=0, max_steps=50).fit(frame)


@pytest.fixture(scope="module")
def found(frame):
    return oddrow.find(frame, oddrow.VAEDetector(random_state=0, max_steps=50, clean="robust"), top=3)


def test_every_text_of_a_panel_is_escaped():
    html = panel(HOSTILE, [HOSTILE], [HOSTILE], [[HOSTILE, Bar(0.5)]])
    check_harmless(html)
    assert unescape(html).count(HOSTILE) == 4
    assert "50%" in html


def test_a_long_cell_is_cut():
    assert "x" * 397 + "...</td>" in panel("title", (), ("name",), [["x" * 10_000]])


@pytest.mark.parametrize("share", [-0.1, 0.0, 1.0, 1.7])
def test_a_bar_is_never_wider_than_its_cell(share):
    width = float(re.search(r"width:([\d.]+)em", panel("", (), (), [[Bar(share)]]))[1])
    assert 0 <= width <= 8


def test_results_are_shown_with_their_names_escaped(found, detector, frame):
    explanation = found.strangest[0]
    for result in (found, explanation, found.promise, detector.decide(frame), detector.health_):
        check_harmless(result._repr_html_())
    for result in (found, explanation):
        assert HOSTILE in unescape(result._repr_html_())


def test_found_names_rows_by_the_index_of_the_data_frame(found):
    assert found.strangest[0].index == "r7"
    assert "<td" in found._repr_html_()
    assert "r7" in found._repr_html_()


def test_found_as_a_data_frame_has_the_index_of_the_given_one(found, frame):
    scored = found.to_pandas()
    assert list(scored.index) == list(frame.index)
    np.testing.assert_array_equal(scored["surprise"], found.surprise)
    pd.testing.assert_frame_equal(scored[list(frame.columns)], frame)


def test_found_in_a_table_without_index_has_a_plain_one():
    rows = np.random.default_rng(0).normal(size=(60, 2))
    pattern = oddrow.VAEDetector(random_state=0, max_steps=10, clean="robust")
    found = oddrow.find(rows, pattern, top=1)
    assert list(found.to_pandas().index) == list(range(60))


def test_a_detector_shows_its_promise_or_that_it_is_not_fitted(detector):
    shown = detector._repr_mimebundle_()["text/html"]
    assert str(detector.model_.policy.promise(detector.model_.calibration)) in unescape(shown)
    assert "not fitted yet" in oddrow.VAEDetector()._repr_html_()
    assert not tags_of(shown).attributes & {"src", "onerror"}


def test_a_detector_whose_policy_needs_rows_is_shown(frame):
    detector = oddrow.AutoencoderDetector(random_state=0, max_steps=10).fit(frame)
    detector.set_policy(oddrow.AlertBudget(4, per=200))
    assert "at most 4 alerts in 200 rows" in unescape(detector._repr_html_())


def test_a_comparison_is_shown_and_becomes_a_data_frame():
    made = oddrow.datasets.make_connections(300, odd_share=0.1, random_state=0)
    compared = oddrow.compare(made.table, made.is_odd, methods=["iforest", "knn1"], seeds=2)
    check_harmless(compared._repr_html_())
    assert repr(compared).startswith("<Comparison of 2 methods on 300 rows, 2 seeds; mean AUROC: ")
    assert len(compared.to_pandas()) == 4


def test_show_prints_outside_a_notebook_and_displays_in_one(monkeypatch, capsys):
    show("text")
    assert capsys.readouterr().out == "'text'\n"
    shown = []
    notebook = SimpleNamespace(
        get_ipython=lambda: SimpleNamespace(kernel=None), display=SimpleNamespace(display=shown.append)
    )
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    show("text")
    assert (shown, capsys.readouterr().out) == (["text"], "")


def test_the_bars_of_an_explanation_add_up_to_the_surprise(found):
    explanation = found.strangest[0]
    axes = explanation.plot()
    assert sum(bar.get_width() for bar in axes.patches) == pytest.approx(explanation.surprise)


def test_maps_are_drawn_on_the_axes_that_are_given(detector, frame):
    from matplotlib.figure import Figure

    axes = Figure().subplots(1, 3)
    is_anomaly = np.arange(300) == 7
    for ax, colour in zip(axes, ("surprise", "decision", "truth"), strict=True):
        assert detector.plot_map(frame, colour, is_anomaly=is_anomaly, ax=ax) is ax
        assert ax.get_title() == colour
        assert sum(len(drawn.get_offsets()) for drawn in ax.collections) >= 300


def test_a_map_needs_a_known_colouring_and_fitting_labels(detector, frame):
    with pytest.raises(SettingError, match="colour is 'size'; give one of 'surprise', 'decision', 'truth'"):
        detector.plot_map(frame, "size")
    with pytest.raises(SettingError, match="there are no labels; give is_anomaly"):
        detector.plot_map(frame, "truth")
    with pytest.raises(SettingError, match="one boolean for each of the 300 rows"):
        detector.plot_map(frame, "truth", is_anomaly=[True])


@pytest.fixture(autouse=True)
def _figures_are_closed():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
