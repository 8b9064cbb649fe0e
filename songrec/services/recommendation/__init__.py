"""Recommendations, stations, paths, blends and moods for a listener."""
