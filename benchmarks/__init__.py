"""Benchmarks: ``python -m benchmarks``. They measure and assert nothing."""
