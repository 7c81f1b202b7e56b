"""Checks of what the documentation promises, on more examples than the tests can run."""
