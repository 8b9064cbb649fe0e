"""Tracks, tags, lyrics, duplicates and the bulk writer."""
