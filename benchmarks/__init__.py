"""Measurements, never asserted: ``python -m benchmarks``."""
