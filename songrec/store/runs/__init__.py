"""Training runs: rows, folders and memory-mapped spaces."""
