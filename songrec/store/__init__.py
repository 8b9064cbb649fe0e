"""Tables, queries, run folders, memory-mapped spaces. Sessions first; the caller commits."""
