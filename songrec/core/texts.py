"""Text of others, as it is stored."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return ``text`` without what no database takes: zero bytes and halves of surrogate pairs."""
    return text.replace("\0", "").encode(errors="ignore").decode()
