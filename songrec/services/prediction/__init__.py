"""Predict musical attributes from audio features."""
