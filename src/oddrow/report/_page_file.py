"""The file of a report: one HTML page that holds its program, its style and its data, and requests nothing."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from pathlib import Path

from oddrow.files import atomic_write
from oddrow.report._packing import packed_blocks
from oddrow.report._triage import TriageSummary

NO_SCRIPT = (
    "This report needs JavaScript, which the page holds itself: it requests nothing. Allow scripts for this file to "
    "see the report."
)


def page_of(summary: TriageSummary) -> bytes:
    """Return the file of a report.

    Its content security policy allows the one script and the one style of the page, by their hashes, and nothing else:
    no request, no other script, no form. All texts of the user are inside compressed blocks, apart from the escaped
    title.
    """
    script, style = (_bundled(name) for name in ("page.js", "page.css"))
    rules = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{rules}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_title(summary.title)}</title>\n"
    )
    blocks = b"\n".join(
        b'<script type="text/plain" id="data-%s">%s</script>' % (name.encode(), block)
        for name, block in packed_blocks(summary).items()
    )
    return b"".join(
        [
            head.encode(),
            b"<style>", style, b"</style>\n</head>\n<body>\n<noscript>", NO_SCRIPT.encode(), b"</noscript>\n",
            b'<div id="report"></div>\n', blocks, b"\n<script>", script, b"</script>\n</body>\n</html>\n",
        ]
    )  # fmt: skip


def write_page(summary: TriageSummary, path: str | Path, *, force: bool = False) -> None:
    """Write the file of a report, atomically.

    Raises
    ------
    OutputError
        If the file exists and ``force`` is not set, or cannot be written.
    """
    content = page_of(summary)
    with atomic_write(path, force) as file:
        file.write(content)


def _bundled(name: str) -> bytes:
    return (files("oddrow.report") / "page" / "bundle" / name).read_bytes()


def _hash(content: bytes) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def _title(text: str) -> str:
    """Return the title as HTML; characters that HTML cannot hold, such as NUL, become a replacement character."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:200])
    return escape(shown.encode("utf-8", "replace").decode())
