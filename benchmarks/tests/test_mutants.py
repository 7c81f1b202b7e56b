"""The named mutants can still be made: each changes a line that stands in the source once."""

import ast

import pytest

from benchmarks.promises.mutants import MUTANTS, ROOT, check_applies


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_and_is_still_a_program(mutant):
    source = check_applies(mutant)
    ast.parse(source.replace(mutant.old, mutant.new))
    assert all((ROOT / test).exists() for test in mutant.tests)


def test_mutants_have_names_of_their_own():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 15
