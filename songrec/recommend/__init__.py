"""Rank, diversify and explain, with nothing but numpy."""
