"""Each array of a file is taken once, by the part that it belongs to, and checked."""

import numpy as np
import pytest

from oddrow.container import ArrayStore, pack_arrays, packed_components, piece_starts, unpack_arrays
from oddrow.exceptions import ModelFileError


class Part:
    """Packs one array."""

    def __init__(self, value):
        self.value = value

    def packed(self):
        return {"value": np.full(2, self.value)}


def test_parts_keep_their_arrays_apart():
    store = ArrayStore(packed_components({"one": Part(1.0), "two.inner": Part(2.0)}))
    assert store.under("two").under("inner").take("value", np.float64, (2,)).tolist() == [2.0, 2.0]
    assert store.names == ("one.value",)
    with pytest.raises(ModelFileError, match=r"array 'one\.value' is not part of any model"):
        store.check_empty()
    store.under("one").take("value", np.float64, (2,))
    store.check_empty()


def test_an_array_is_taken_once_and_errors_name_it_in_full():
    store = ArrayStore({"a.b": np.ones(2)}).under("a")
    store.take("b", np.float64, (None,))
    with pytest.raises(ModelFileError, match=r"array 'a\.b' is missing"):
        store.take("b", np.float64, (None,))


def test_pieces_lie_end_to_end():
    def slices(starts, *, may_be_empty=False):
        return ArrayStore({"s": np.array(starts)}).take_slices("s", 2, 5, may_be_empty=may_be_empty)

    assert slices(piece_starts([2, 3])) == [slice(0, 2), slice(2, 5)]
    assert slices([0, 0, 5], may_be_empty=True) == [slice(0, 0), slice(0, 5)]
    for wrong in ([1, 2, 5], [0, 2, 4], [0, 6, 5], [0, 0, 5], [0, -1, 5]):
        with pytest.raises(ModelFileError, match="'s' do not lie end to end"):
            slices(wrong)


def test_numbers_beyond_the_bound_are_refused_unless_no_score_reads_them():
    with pytest.raises(ModelFileError, match="beyond 1e"):
        ArrayStore({"a": np.array([1e101])}).take("a", np.float64, (1,))
    assert ArrayStore({"a": np.array([1e101])}).take("a", np.float64, (1,), is_bounded=False) == 1e101


@pytest.mark.parametrize("array", [np.float32(3.0), np.zeros((0, 2)), np.arange(4, dtype=np.int32), np.ones((2, 2)).T])
def test_arrays_come_back_with_their_type_and_shape(array):
    array = np.asarray(array)
    (found,) = unpack_arrays(pack_arrays({"a": array})).values()
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)
