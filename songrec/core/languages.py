"""Names of languages in English, as tags and folders use them."""

from __future__ import annotations

import functools

_CODES = """
af am ar ary arz as az be bg bn bo br bs ca cmn cs cy da de el en eo es et eu fa fi fo fr fy ga gd
gl gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb ln lo lt lv mg mk ml mn mr
ms mt my nb ne nl nn no oc or pa pcm pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te
tg th tl tr tt ug uk ur uz vi vo wa wuu xh yo yue zh zu"""
LANGUAGES = frozenset(_CODES.split())
"""ISO 639 codes of the languages that occur as labels.

langcodes knows some 8,000 languages, whose names include Music, Metal and Adele, so that folders
and tags would be taken for languages without this restriction.
"""

_USUAL_NAMES = {
    "ary": "arabic",
    "arz": "arabic",
    "bn": "bengali",
    "cmn": "chinese",
    "fy": "frisian",
    "nb": "norwegian",
    "nn": "norwegian",
    "st": "sotho",
    "tl": "tagalog",
    "wuu": "chinese",
    "yue": "chinese",
}
"""Names that differ from those of langcodes: variants are labelled as the language."""


@functools.cache
def language_name(code: str) -> str | None:
    """Return the English name of an ISO 639 code in lower case; None outside ``LANGUAGES``."""
    import langcodes

    if code not in LANGUAGES:
        return None
    return _USUAL_NAMES.get(code) or langcodes.Language.get(code).display_name("en").lower()


def is_language(name: str) -> bool:
    """Return whether a lower-case label is the English name of one of ``LANGUAGES``."""
    return name in _names()


@functools.cache
def _names() -> frozenset[str]:
    # As a label, Latin is the genre. Exact names only: ``langcodes.find`` also accepts parts of
    # names and raises UnicodeDecodeError for a NUL byte.
    import langcodes

    variants = {langcodes.Language.get(code).display_name("en").lower() for code in LANGUAGES}
    return frozenset({*variants, *map(language_name, LANGUAGES), "mandarin"} - {None, "latin"})
