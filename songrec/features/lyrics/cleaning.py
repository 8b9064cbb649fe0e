"""Removal of text that lyrics sites add to the words of a song."""

from __future__ import annotations

import html
import re
import unicodedata

from songrec.core.cjk_bigrams import is_run, pairs_of, tokens

SHORTEST = 3
"""Words (pairs of characters where none are told apart): less is a remark (“Instrumental”)."""

# [Chorus], [Verse 2: somebody], {Bridge}: section marks, never sung.
_MARKS = re.compile(r"\[[^\[\]]{0,200}\]|\{[^{}]{0,200}\}")
_SECTION = (
    r"(?:pre-?chorus|post-?chorus|chorus|verse|bridge|intro|outro|hook|refrain|interlude|"
    r"instrumental|solo|repeat|spoken|breakdown|couplet|estribillo|coro|strophe|ref)"
)
_IN_BRACKETS = re.compile(rf"\(\s*{_SECTION}\b[^()]{{0,40}}\)", re.IGNORECASE)
_ALONE = re.compile(rf"^\s*{_SECTION}\s*\d*\s*(?:[x×]\s*\d+)?\s*:?\s*$", re.IGNORECASE | re.M)
_TIMES = re.compile(r"\(?\s*\b[x×]\s?\d{1,2}\b\s*\)?|\(?\s*\b\d{1,2}\s?[x×]\b\s*\)?", re.IGNORECASE)
_STAMPS = re.compile(r"\[?\b\d{1,2}:\d{2}(?:\.\d{1,3})?\b\]?")
_MARKUP = re.compile(r"<[a-z/][^<>]{0,80}>|https?://\S+", re.IGNORECASE)
# "12 Contributors…Translations…Title Lyrics" before the first line, on one line or on several.
_HEAD = re.compile(
    r"\A\s*\d+\s*Contributors?.{0,400}?\bLyrics(?![a-z])|\A[^\n]{0,120}\bLyrics\s*(?=\n|\[)", re.S
)
_TAIL = re.compile(r"\s*\d*\s*Embed(?:\s*Share.*)?\s*\Z", re.S)
_BETWEEN = re.compile(
    r"You might also like|See [^\n]{1,80}? LiveGet tickets as low as \$?\d+|"
    r"^\s*(?:Read More|Submit Corrections|Paroles de [^\n]{0,80}|Letra de [^\n]{0,80}|"
    r"(?:Written|Produced|Lyrics|Words|Music|Translation) by:?[^\n]{0,120}|"
    r"[^\n]{0,60}lyrics are property[^\n]{0,120}|\d+\s*Contributors?)\s*$",
    re.IGNORECASE | re.M,
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def clean(text: str | None) -> str | None:
    """Return the sung words, line by line; None for fewer than ``SHORTEST`` words."""
    if not text:
        return None
    cleaned = unicodedata.normalize("NFC", html.unescape(text)).replace("\r\n", "\n")
    cleaned = _INVISIBLE.sub("", cleaned.replace("\u2005", " ").replace("\u205f", " "))
    cleaned = _TAIL.sub("", _HEAD.sub("", cleaned))
    for pattern in (_MARKUP, _STAMPS, _MARKS, _IN_BRACKETS, _BETWEEN, _ALONE, _TIMES):
        cleaned = pattern.sub(" ", cleaned)
    lines = (" ".join(line.split()) for line in cleaned.split("\n"))
    cleaned = "\n".join(line for line in lines if line)
    words = sum(len(pairs_of(word)) if is_run(word) else 1 for word in tokens(cleaned))
    return cleaned if words >= SHORTEST else None
