"""Alphabetical sort keys of titles and names."""

from __future__ import annotations

import re
import unicodedata

SORT_KEY_LENGTH = 80


def sort_key(words: str) -> str:
    """Return ``words`` in lower case without accents and leading punctuation.

    Titles of punctuation alone are sorted last.

    >>> sort_key("“Élan” vital")
    'elan” vital'
    """
    plain = words.casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.sub(r"^[\W_]+", "", plain)[:SORT_KEY_LENGTH] or "\uffff"
