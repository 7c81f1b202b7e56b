"""The Python of the pages in ``docs/`` runs, and whatever a page calls of oddrow is a public name.

The README has ``test_readme.py``.
"""

import ast
import functools
import inspect
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import oddrow
from testing.untrained import no_training

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [*PAGES, ROOT / "README.md", *(ROOT / "examples").glob("*.py"), *(ROOT / "changelog.d").glob("*.md")]
PUBLIC = set(re.findall(r"^\| `(oddrow\.[\w.]+)` \|", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.M))
FOR_DEVELOPERS = {"architecture.md"}
"""Pages that speak of the rooms of the code, public or not."""
ELSEWHERE = {"engines.md": "needs Ray, Spark and Dask"}
"""Pages whose Python is not run here; its names are looked up all the same."""


def blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


WITH_PYTHON = [path for path in PAGES if blocks(path)]
RUN = [page for page in WITH_PYTHON if page.name not in ELSEWHERE]


def metadata_keys():
    """Keys that an exported graph carries; they begin as our names do."""
    for path in (ROOT / "src" / "oddrow" / "export").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("oddrow."):
                yield node.value


def make_onnx_model(folder):
    """The model that the page on ONNX runs: four columns of four kinds."""
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "amount": rng.lognormal(3, 1, 200),
            "country": rng.choice(["fr", "de", "it"], 200),
            "paid": rng.random(200) < 0.9,
            "at": pa.array(rng.permutation(200) * 3_600 + 1_700_000_000, pa.timestamp("s")),
        }
    )
    oddrow.export_onnx(oddrow.VAEDetector(random_state=0).fit(table), folder / "model.onnx")


BEFORE = {"onnx.md": make_onnx_model}
"""What a page's Python finds in its folder."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in WITH_PYTHON if page.name not in ELSEWHERE], ids=lambda page: page.name
)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with no_training():
        BEFORE.get(page.name, lambda _: None)(tmp_path)
        names = {}
        for block in blocks(page):
            exec(compile(block, page.name, "exec"), names)  # noqa: S102 - it is ours


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_of_a_page_calls_only_names_that_exist(page):
    for block in blocks(page):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and re.fullmatch(r"oddrow(\.\w+)+", ast.unparse(node)):
                functools.reduce(getattr, ast.unparse(node).split(".")[1:], oddrow)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_a_name_of_oddrow_in_a_text_is_public(path):
    """Attributes behind a public name, as ``oddrow.VAEDetector.fit``, are those that the name has."""
    ours = re.findall(r"(?<![\w./-])oddrow(?:\.[A-Za-z_]\w*)+", path.read_text(encoding="utf-8"))
    for name in sorted(set(ours) - set(metadata_keys()) if path.name not in FOR_DEVELOPERS else ()):
        public, attributes = name, []
        while public not in PUBLIC and "." in public:
            public, _, attribute = public.rpartition(".")
            attributes.insert(0, attribute)
        assert public in PUBLIC, f"{name} is not among the public names of docs/api.md"
        if attributes:
            assert not inspect.ismodule(functools.reduce(getattr, public.split(".")[1:], oddrow)), name
            functools.reduce(getattr, name.split(".")[1:], oddrow)
