"""Figures in one fixed style, independent of the user's settings, written atomically as PNG and SVG."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from oddrow.exceptions import MissingExtraError, OutputError
from oddrow.files import atomic_write
from oddrow.remedies import Setting, remedy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["drawing", "write_picture", "write_pictures"]

_FORMATS: Final = ("png", "svg")
_DPI: Final = 150
_MAX_SVG_BYTES: Final = 950_000
"""Maximum size of an SVG, so that it stays below 1 MB; evenly spread rows at full resolution would take 4 MB."""

_STYLE: Final[Mapping[str, Any]] = {
    # Element names in an SVG are hashes of their content and this salt; left out, the salt is random.
    "svg.hashsalt": "oddrow",
    # A title is a user's text, often a file's name, in which a dollar sign does not start a formula.
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "legend.frameon": False,
    "legend.fontsize": "small",
}


@contextmanager
def drawing() -> Iterator[None]:
    """Apply our style and matplotlib's own defaults inside the context; the user's settings are restored afterwards."""
    try:
        from matplotlib import style
    except ImportError as error:
        raise MissingExtraError(
            "Drawing pictures needs matplotlib, which cannot be imported; run: pip install 'oddrow[plot]'"
        ) from error
    with style.context(["default", dict(_STYLE)]):
        yield


def write_pictures(pictures: Mapping[Path, Callable[[], "Figure"]], *, force: bool) -> list[Path]:
    """Draw all pictures, given by their paths without ending, then write them, and return the paths of the files."""
    # with_suffix would remove the end of a stem such as "run-1.5"
    paths = [stem.with_name(f"{stem.name}.{form}") for stem in pictures for form in _FORMATS]
    for path in paths:
        if path.exists() and not force:
            raise _exists(path)
    with drawing():
        contents = [content for draw in pictures.values() for content in _render(draw())]
    for path, content in zip(paths, contents, strict=True):
        _write(path, content, force)
    return paths


def write_picture(path: Path, draw: Callable[[], "Figure"], *, force: bool) -> None:
    """Draw one picture and write it in the format of the path's ending, .png or .svg."""
    form = path.suffix.removeprefix(".").lower()
    if form not in _FORMATS:
        raise OutputError(f"{path}: the ending is no known format of pictures; give .png or .svg")
    if path.exists() and not force:
        raise _exists(path)
    with drawing():
        content = _print(draw(), form, float(_DPI))
    _write(path, content, force)


def _exists(path: Path) -> OutputError:
    return OutputError(
        f"{path} exists already",
        remedy=remedy("choose another place, or overwrite it with ", Setting("force", True)),
    )


def _render(figure: "Figure") -> list[bytes]:
    """Return a figure's bytes in each of :data:`_FORMATS`."""
    dpi = float(_DPI)
    png, svg = _print(figure, "png", dpi), _print(figure, "svg", dpi)
    while len(svg) > _MAX_SVG_BYTES and dpi > 20:
        # Nearly all bytes are the bitmap of the rows, which grows about with the square of its resolution.
        dpi *= 0.9 * (_MAX_SVG_BYTES / len(svg)) ** 0.5
        svg = _print(figure, "svg", dpi)
    return [png, svg]


def _print(figure: "Figure", form: str, dpi: float) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = BytesIO()
    # By default an SVG contains the time of drawing, so that its bytes differ; a PNG does not.
    metadata = {"Date": None} if form == "svg" else None
    FigureCanvasAgg(figure).print_figure(content, format=form, dpi=dpi, metadata=metadata)
    return content.getvalue()


def _write(path: Path, content: bytes, force: bool) -> None:
    """Write a file atomically, and make its folder if needed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}; choose another folder") from error
    with atomic_write(path, force) as file:
        file.write(content)
