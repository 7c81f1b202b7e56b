"""HTML of results for notebooks: escaped text, tables and bars, without scripts and without anything to load."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

MAX_LETTERS = 400
"""Maximum length of a cell's text; a longer text is cut."""

_CELL = "text-align:left;padding:0.15em 0.8em 0.15em 0;vertical-align:top"
_BAR = "display:inline-block;height:0.7em;background:#0072B2"


@dataclass(frozen=True)
class Bar:
    """A cell that shows a share from 0 to 1 as a bar with its percentage."""

    share: float


Cell = str | Bar


def panel(
    title: str,
    sentences: Iterable[str] = (),
    headings: Sequence[str] = (),
    rows: Iterable[Sequence[Cell]] = (),
) -> str:
    """Return a heading, paragraphs and a table as HTML; all texts are escaped.

    Examples
    --------
    >>> panel("<b>", ["a & b"])
    '<div><strong>&lt;b&gt;</strong><p>a &amp; b</p></div>'
    """
    text = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(heading)}</th>' for heading in headings)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""
    return f"<div><strong>{escape(title)}</strong>{text}{table}</div>"


def _cell(value: Cell) -> str:
    if isinstance(value, Bar):
        width = 8.0 * min(max(value.share, 0.0), 1.0)
        bar = f'<span style="{_BAR};width:{width:.2f}em"></span>'
        return f'<td style="{_CELL};white-space:nowrap">{bar} {value.share:.0%}</td>'
    text = value if len(value) <= MAX_LETTERS else f"{value[: MAX_LETTERS - 3]}..."
    return f'<td style="{_CELL}">{escape(text)}</td>'


def show(result: object) -> None:
    """Show a result: as HTML in a notebook, else as its ``repr`` on standard output."""
    display = _display_of_notebook()
    if display is None:
        sys.stdout.write(f"{result!r}\n")
    else:
        display(result)


def _display_of_notebook() -> Callable[[object], None] | None:
    """Return the function that shows a value in the notebook; None outside a notebook."""
    ipython: Any = sys.modules.get("IPython")  # a notebook has imported it
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shown: Callable[[object], None] = ipython.display.display
    return shown
