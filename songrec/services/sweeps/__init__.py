"""Sweeps: grids of trainings over feature sets, models, clusterings and seeds."""
