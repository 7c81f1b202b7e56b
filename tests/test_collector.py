"""The garbage collector is off in a pause, and afterwards as it was before."""

import gc

import pytest

from oddrow._collector import collector_paused


@pytest.fixture(params=[True, False], ids=["on", "off"])
def was_on(request):
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_it_is_off_inside_and_as_before_afterwards(was_on):
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled() == was_on


def test_it_is_as_before_after_an_error(was_on):
    with pytest.raises(ImportError), collector_paused():
        raise ImportError
    assert gc.isenabled() == was_on
