"""Formats of catalogue files, for forms and commands."""

from __future__ import annotations

from songrec.catalogue_files.dialect_detection import dialect_by_name
from songrec.catalogue_files.dialects import DIALECTS, SCALES

__all__ = ["DIALECTS", "SCALES", "dialect_by_name"]
