"""Good model files changed at random, and loaded: each must be refused as one error, or score finitely.

``python -m benchmarks fuzz [INPUTS] [--start N]``: ``testing.fuzz``, of which the tests run 20,000 inputs, with a
million unless said otherwise.
"""

from testing.fuzz import main

__all__ = ["main"]
