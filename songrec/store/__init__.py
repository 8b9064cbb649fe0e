"""Tables, queries, run folders and memory-mapped spaces. Sessions come first; the caller commits."""
