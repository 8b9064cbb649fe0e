"""Segments of songs: their tagger, their encoders and their index."""
