"""Benchmarks: figures that documents quote, printed by one command."""
