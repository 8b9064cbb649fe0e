"""The made-up catalogue."""
