"""Lyrics as text: cleaning and language detection."""
