"""A state is resumed by the job that kept it and by no other, and the difference is said."""

import numpy as np
import pytest

from oddrow.container import JobIdentity, digest

KEPT = JobIdentity({"settings": {"steps": "10", "rate": "0.1"}, "number of rows": 1_200, "model": "a"})


def test_the_same_facts_are_no_difference():
    assert KEPT.difference(JobIdentity(dict(KEPT.facts))) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"settings": {"steps": "20", "rate": "0.1"}}, "other settings (steps 10 there and 20 here)"),
        ({"settings": {"steps": "10"}}, "other settings (rate 0.1 there and None here)"),
        ({"number of rows": 900}, "another number of rows (1,200 there, 900 here)"),
        ({"model": "b"}, "another model"),
        ({"model": {"b": "c"}}, "another model"),
        ({"model": "b", "number of rows": 900}, "another number of rows (1,200 there, 900 here)"),
        ({"further": "x"}, "another further"),
    ],
)
def test_the_first_fact_that_differs_is_named(changed, said):
    assert KEPT.difference(JobIdentity({**KEPT.facts, **changed})) == said


def test_a_fact_that_is_missing_is_a_difference():
    assert JobIdentity({}).difference(KEPT) == "another settings"
    assert KEPT.difference(JobIdentity({})) == "another settings"


def test_no_more_than_three_entries_are_named():
    here = JobIdentity({"options": {str(place): "x" for place in range(9)}})
    assert JobIdentity({"options": {}}).difference(here).count("there") == 3


def test_the_digest_of_parts_is_not_that_of_their_concatenation_and_depends_on_every_bit():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab") == digest(b"ab")
    values = np.arange(6.0)
    assert digest(values) == digest(values.reshape(2, 3)[:, :].copy()) == digest(np.repeat(values, 2)[::2])
    assert digest(values) != digest(np.nextafter(values, 9))
    assert digest(np.empty((0, 3))) == digest("")
