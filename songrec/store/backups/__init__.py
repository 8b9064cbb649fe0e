"""Backups of an instance: what belongs in one, writing and restoring it."""
