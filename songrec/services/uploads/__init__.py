"""Analysis of uploaded songs."""
