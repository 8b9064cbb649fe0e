"""Cleaning of tag texts for storage: one line of limited length."""

from __future__ import annotations

import unicodedata

LONGEST = {"title": 500, "artists": 500, "album": 500, "genre": 100}


def clean(text: str) -> str:
    """Return one line without control characters, lone surrogates and runs of spaces."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    printable = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join("".join(printable).replace("\ufeff", "").split())
