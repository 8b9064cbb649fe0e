"""Weights of published networks and trained taggers on disk."""
