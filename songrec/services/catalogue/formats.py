"""Formats of catalogue files, for forms and commands."""

from __future__ import annotations

from songrec.catalogue_files.dialect_detection import dialect_by_name
from songrec.catalogue_files.dialects import BY_COLUMNS, DIALECTS, FIELDS, SCALES

FORMATS = (*DIALECTS, BY_COLUMNS)

__all__ = ["FIELDS", "FORMATS", "SCALES", "dialect_by_name"]
