"""The examples in docstrings show how a thing is called: they run with short training."""

from collections.abc import Iterator

import pytest
from _pytest.doctest import DoctestItem

from testing.untrained import hundred_steps


@pytest.fixture(autouse=True)
def _short_examples(request: pytest.FixtureRequest) -> Iterator[None]:
    if not isinstance(request.node, DoctestItem):
        yield
        return
    with hundred_steps():
        yield
