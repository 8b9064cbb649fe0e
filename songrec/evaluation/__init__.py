"""Offline measures."""
