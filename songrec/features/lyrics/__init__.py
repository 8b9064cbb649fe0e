"""Lyrics as text: what is not sung is taken out, and the language is told."""
