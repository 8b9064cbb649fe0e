"""Tracks and segments similar to others."""
