"""Decoding of tag texts of unknown or wrongly declared encoding.

ID3's "Latin-1" fields, ID3v1 and the INFO chunk of WAV contain text in the code page of the system
that wrote them. UTF-8 is recognised with certainty, and Windows-1252 contains Latin-1; any other
code page is a guess that is reported, and applied only if configured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HIGH_WORD = re.compile(rb"[\x80-\xff]{2,}")
_FEWEST_HIGH = 4
_LIKELY, _POSSIBLE = 0.6, 0.5

# Most frequent letters of the language by code page, to score a guess.
_FREQUENT = {
    "cp1251": "оеаинтсрвлкмдпуя",
    "koi8-r": "оеаинтсрвлкмдпуя",
    "cp866": "оеаинтсрвлкмдпуя",
    "cp1253": "αοιετσνηρκπυλμςίάόέή",
    "cp1255": "יוהלאתרמבשנ",
    "cp1256": "اليمنوترهبدعسف",
    "cp874": "านรอกเงมยลวดทสต่้ัีะ",
}
# Lead bytes of the commoner half of the characters, by multi-byte code page.
_COMMON_LEADS = {
    "cp949": range(0xB0, 0xC9),  # before GBK, whose range contains it
    "gbk": range(0xB0, 0xD8),
    "big5": range(0xA4, 0xC7),
    "cp932": range(0x82, 0x98),
}


@dataclass(frozen=True)
class DecodedText:
    """Text with its origin: ``how`` is None (as declared), ``"UTF-8"`` or the code page used."""

    text: str
    how: str | None = None


def decode_bytes(data: bytes, code_page: str | None = None) -> DecodedText:
    """Decode bytes of undeclared encoding: UTF-8 if certain, ``code_page``, else Windows-1252.

    ``code_page`` is not used where it would mix two scripts in a word: a library with Cyrillic in
    Windows-1251 contains French titles in Windows-1252, too.
    """
    if data.isascii():
        return DecodedText(data.decode("ascii"))
    text = _certain_utf8(data)
    if text is not None:
        return DecodedText(mend(text, code_page).text, "UTF-8")
    if code_page is not None:
        text = _in_code_page(data, code_page)
        if text is not None:
            return DecodedText(text, code_page)
    return DecodedText(_windows_1252(data))


def mend(text: str, code_page: str | None = None) -> DecodedText:
    """Repair text that was decoded with the wrong encoding.

    ``BeyoncÃ©`` is UTF-8 read as Latin-1; control characters from 0x80 are Windows-1252 read as
    Latin-1. ``code_page`` is used for text that has whole words of Latin-1's upper half.
    """
    data = _single_bytes(text)
    if data is None or data.isascii():
        return DecodedText(text)
    meant = _certain_utf8(data)
    if meant is not None:
        return DecodedText(mend(meant, code_page).text, "UTF-8")
    if code_page is not None and _HIGH_WORD.search(data):
        meant = _in_code_page(data, code_page)
        # Another code page of Latin letters would change text that is right as it is.
        is_foreign = meant is not None and any(map(_is_foreign, meant))
        if is_foreign and not _mixes_scripts(meant) and _score(data, code_page) >= _POSSIBLE:
            return DecodedText(meant, code_page)
    return DecodedText(_windows_1252(data) if _has_controls(text) else text)


def likely_code_page(texts: list[str]) -> tuple[str, str] | None:
    """Guess the code page of texts that were decoded as Windows-1252 but look wrong.

    Returns its name and the texts decoded with it, or None if Windows-1252 is plausible: no
    language in Latin letters has words of accented letters only.
    """
    joined = " / ".join(texts)
    data = _single_bytes(joined)
    if data is None or sum(byte >= 0x80 for byte in data) < _FEWEST_HIGH:
        return None
    n_high = sum(byte >= 0x80 for byte in data)
    in_runs = sum(len(run[0]) for run in re.finditer(rb"[\x80-\xff]{3,}", data))
    kana = sum(data.count(lead) for lead in (b"\x81", b"\x82", b"\x83"))
    if max(in_runs, 2 * kana) < max(_FEWEST_HIGH, 0.5 * n_high):
        return None
    scores = {page: _score(data, page) for page in (*_FREQUENT, *_COMMON_LEADS)}
    best = max(scores, key=lambda page: scores[page])
    return (best, data.decode(best)) if scores[best] >= _LIKELY else None


def _certain_utf8(data: bytes) -> str | None:
    """Decode bytes that are certainly UTF-8; None otherwise."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    wide = [c for c in text if c >= "\x80"]
    # "OLÉ…" in Windows-1252 is valid UTF-8 by chance: one rare letter, from a letter and a mark.
    if len(wide) == 1 and "\u017f" < wide[0] < "\u0800" and (wide[0].encode()[1] < 0xA0):
        return None
    return text if wide else None


def _in_code_page(data: bytes, code_page: str) -> str | None:
    try:
        text = data.decode(code_page)
    except UnicodeDecodeError:
        return None
    if any("\ue000" <= c < "\uf900" for c in text):
        return None  # private use: no text
    if any(c >= "\u1100" for c in text):
        # One accented letter and the letter after it are a CJK character by chance.
        return text if _HIGH_WORD.search(data) else None
    return None if _mixes_scripts(text) else text


def _is_foreign(c: str) -> bool:
    return c >= "\u0370" and c.isalpha()


def _mixes_scripts(text: str) -> bool:
    """Return whether a word has both ASCII letters and letters of another alphabet."""
    return any(
        re.search("[A-Za-z]", word) and any(map(_is_foreign, word))
        for word in re.findall(r"[^\W\d_]+", text)
    )


def _windows_1252(data: bytes) -> str:
    return "".join(
        bytes([byte]).decode("cp1252") if byte not in _UNDEFINED else chr(byte) for byte in data
    )


_UNDEFINED = frozenset({0x81, 0x8D, 0x8F, 0x90, 0x9D})  # in Windows-1252


def _single_bytes(text: str) -> bytes | None:
    """Return the bytes of text that was decoded as Latin-1 or Windows-1252; None for other text."""
    try:
        return b"".join(bytes([ord(c)]) if ord(c) < 0x100 else c.encode("cp1252") for c in text)
    except UnicodeEncodeError:
        return None


def _has_controls(text: str) -> bool:
    return any("\x80" <= c < "\xa0" for c in text)


def _score(data: bytes, page: str) -> float:
    """Score the plausibility of ``data`` in a code page from 0 to 1."""
    try:
        text = data.decode(page)
    except UnicodeDecodeError:
        return 0.0
    if page in _COMMON_LEADS:
        return _multibyte_score(text, page)
    if page not in _FREQUENT:
        return 1.0  # a configured code page without letter statistics
    letters = [c for c in text if c >= "\x80"]
    frequent = sum(c.lower() in _FREQUENT[page] for c in letters)
    words = re.findall(r"[^\W\d_]+", text)
    odd = sum(len(word) for word in words if not (word[1:].islower() or word.isupper()))
    cased = page in ("cp1251", "koi8-r", "cp866", "cp1253")
    return (frequent - (2 * odd if cased else 0)) / len(letters)


def _multibyte_score(text: str, page: str) -> float:
    wide = [c for c in text if c >= "\x80"]
    common = sum(len(code := c.encode(page)) == 2 and code[0] in _COMMON_LEADS[page] for c in wide)
    kana = page != "cp932" or any("\u3040" <= c < "\u3100" for c in wide)
    return common / len(wide) if kana and wide else 0.0
