"""Benchmarks of how well odd rows are found."""
