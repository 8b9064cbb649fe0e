"""Readers of lists of songs, one per format; ``list_files`` detects the format."""
