"""Language of lyrics."""

from __future__ import annotations

import functools
from typing import Any

from songrec.core.languages import language_name

MIN_PROBABILITY = 0.9
"""The language is unknown below this probability."""
MIN_LETTERS = 24
MAX_CHARACTERS = 2_000
"""Length of the beginning of a text that is classified."""


def language_of(words: str | None) -> str | None:
    """Return the language of cleaned lyrics (English, lower case), or None if uncertain.

    Classified by py3langid's naive Bayes over byte sequences (Lui & Baldwin, "langid.py", ACL
    2012), which is deterministic. Only languages of ``core.languages.LANGUAGES`` are returned.
    """
    if not words:
        return None
    text = words[:MAX_CHARACTERS]
    if sum(letter.isalpha() for letter in text) < MIN_LETTERS and text.isascii():
        return None
    code, probability = _identifier().classify(text)
    return language_name(code) if probability >= MIN_PROBABILITY else None


@functools.lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
