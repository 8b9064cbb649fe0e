"""Training runs: dataset, stages, diagnostics, artifacts and inference."""
