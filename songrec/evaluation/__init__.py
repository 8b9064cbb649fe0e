"""Offline measures: clusterings, maps' and models' quality, retrieval, playlist continuation."""
