"""Offline evaluation: clip retrieval and playlist continuation."""
