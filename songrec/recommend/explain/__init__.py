"""Reasons: contributions that add up to the score, and how they are phrased."""
