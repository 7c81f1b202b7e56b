"""Good files changed at random: none crashes, hangs, or gives anything but a refusal or finite scores."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing.fuzz import LEVELS, Seed, changed
from testing.model_files import golden

ROOT = Path(__file__).parents[2]
INPUTS = 8_000
SCORED_SHARE = 0.1


@pytest.mark.slow
def test_a_randomly_changed_file_is_refused_or_scores_finitely():
    """In a process of its own: a crash of a parser would take this one down, and memory is limited by the process."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
    command = [sys.executable, "-m", "testing.fuzz", str(INPUTS), "--scored", str(SCORED_SHARE)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        words[0]: [int(word.replace(",", "")) for word in words[1:]] for words in map(str.split, table(done.stdout))
    }
    refused, loaded, scored, escaped = rows["all"]
    assert refused + loaded + scored == INPUTS
    assert escaped == 0
    assert scored > 50
    assert min(sum(rows[level]) for level in LEVELS) > INPUTS / 20
    assert loaded + scored > INPUTS / 20  # or nothing but the hash would be tested


def table(text):
    return text.splitlines()[2 : 3 + len(LEVELS)]


def test_an_input_of_the_fuzzer_depends_only_on_its_number():
    seeds = [Seed(golden("vae")), Seed(golden("article"))]
    assert [changed(index, seeds) for index in range(20)] == [changed(index, seeds) for index in range(20)]
