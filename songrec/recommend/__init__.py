"""Ranking, variety and explanation: numpy only, arrays in, matches out."""
