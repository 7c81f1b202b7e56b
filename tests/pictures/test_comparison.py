"""Methods side by side in one picture: what is drawn where, and into which file."""

import numpy as np
import pytest

from oddrow.exceptions import OutputError, SettingError
from oddrow.pictures import FigureRow, MethodRow, draw_comparison
from oddrow.pictures._comparison import _figure_of, _limits

ROWS = [
    MethodRow("knn1", False, (FigureRow(0.9, 0.85, 0.95, (0.88, 0.92)), FigureRow(0.5, 0.3, 0.7, (0.4, 0.6)))),
    MethodRow("oddrow", True, (FigureRow(0.8, 0.7, 0.9, (0.79, 0.81), is_worse=True), None)),
]
NAMES = ["AUROC", "average precision"]


@pytest.fixture
def axes():
    return _figure_of(ROWS, NAMES, [0.5, 0.45], "a $title", "a note").axes


def discs(one):
    return [line for line in one.lines if line.get_marker() == "o"]


def test_each_method_has_a_line_with_the_first_method_on_top(axes):
    first, second = axes
    assert [label.get_text() for label in first.get_yticklabels()] == ["knn1", "oddrow"]
    bottom, top = first.get_ylim()
    assert bottom > top
    assert [float(disc.get_xdata()[0]) for disc in discs(first)] == [0.9, 0.8]
    assert [disc.get_markerfacecolor() == "white" for disc in discs(first)] == [False, True]
    assert [one.get_xlabel() for one in axes] == NAMES
    assert len(discs(second)) == 1
    assert any("failed" in text.get_text() for text in second.texts)


def test_intervals_and_single_values_are_drawn_at_their_values(axes):
    spans = [line.get_xdata() for line in axes[0].lines if line.get_linestyle() == "-" and line.get_marker() == "None"]
    np.testing.assert_allclose(spans, [[0.85, 0.95], [0.7, 0.9]])
    ticks = [line.get_xdata() for line in axes[0].lines if line.get_marker() == "|"]
    np.testing.assert_allclose(ticks, [[0.88, 0.92], [0.79, 0.81]])


def test_chance_is_drawn_where_the_axis_reaches_it(axes):
    assert [sum("chance" in text.get_text() for text in one.texts) for one in axes] == [0, 1]


def test_an_interval_far_wider_than_all_values_is_cut_off():
    low, high = _limits([FigureRow(0.9, 0.0, 1.0, (0.89, 0.91))])
    assert 0.8 < low < 0.89
    assert 0.91 < high < 1.0
    assert _limits([None]) == (0.0, 1.0)


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_the_ending_is_the_format_and_the_same_rows_give_the_same_bytes(tmp_path, ending, start):
    path = tmp_path / f"picture.{ending}"
    draw_comparison(ROWS, NAMES, [0.5, 0.1], path, title="a $title")
    content = path.read_bytes()
    assert content.startswith(start)
    with pytest.raises(OutputError, match="exists already"):
        draw_comparison(ROWS, NAMES, [0.5, 0.1], path, title="a $title")
    draw_comparison(ROWS, NAMES, [0.5, 0.1], path, title="a $title", force=True)
    assert path.read_bytes() == content


def test_an_unknown_ending_and_a_comparison_without_rows_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"give \.png or \.svg"):
        draw_comparison(ROWS, NAMES, [0.5, 0.1], tmp_path / "picture.gif", title="")
    with pytest.raises(SettingError, match="rows is empty"):
        draw_comparison([], NAMES, [0.5, 0.1], tmp_path / "picture.png", title="")
