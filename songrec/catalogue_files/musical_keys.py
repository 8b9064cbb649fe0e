"""Musical keys: pitch class and mode from names of several languages and from mixing codes."""

from __future__ import annotations

import re

from songrec.catalogue_files.numerals import unify

# Pitch classes of the Camelot codes 1A, 2A, …; B is the relative major. Open Key (1m, 1d) starts
# seven steps further.
_CAMELOT_MINOR = (8, 3, 10, 5, 0, 7, 2, 9, 4, 11, 6, 1)
_CODE = re.compile(r"(0?[1-9]|1[0-2])\s*([abmd])", re.IGNORECASE)
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_SOLFEGE = {"do": 0, "ut": 0, "re": 2, "mi": 4, "fa": 5, "sol": 7, "la": 9, "si": 11}
_GERMAN = re.compile(r"(as|es|[a-h])(is|es|s)?\W*(dur|moll)", re.IGNORECASE)
_ACCIDENTAL = (
    r"[#♯]|[b♭]|\s*-?\s*(?:sharp|flat|diese|dies|sostenido|diesis|bemol|bemolle|sustenido|molle)"
)
_MAJOR = r"maj(?:or|eur|eure)?|maggiore|mayor|maior|dur|Δ"
_MINOR = r"min(?:or|eur|eure|ore)?|menor|moll|m"
_NAME = re.compile(
    rf"(do|ut|re|mi|fa|sol|la|si|[a-h])\s*({_ACCIDENTAL})?[\s_-]*(?:({_MAJOR})|({_MINOR}))?\.?",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"\s*[/|,;]\s*|\s+-\s+|\s*[()]\s*")
_PLAIN = str.maketrans("éèêóòôáàâíìúùäëïöü", "eeeoooaaaiiuuaeiou")


def parse_key(text: str, *, german: bool = False) -> tuple[int, int | None] | None:
    """Return pitch class and mode (1 major, 0 minor, None unknown) of a key's name or code.

    ``D min``, ``F♯ minor``, ``Fis-Moll``, ``La mineur``, ``8A``, ``1m``, ``C♯/D♭ major``. None
    if the text is not a key. In ``german`` names H is B and B is B flat.
    """
    text = unify(text)
    key = _parse_one(text, german)
    if key is not None:
        return key
    # Several names of one key: "C#/Db minor", "8A - Am".
    parts = [part for part in _SEPARATORS.split(text) if part]
    keys = [_parse_one(part, german) for part in parts]
    if len(parts) < 2 or any(one is None for one in keys):
        return None
    pitches = {one[0] for one in keys if one}
    modes = {one[1] for one in keys if one} - {None}
    if len(pitches) > 1 or len(modes) > 1:
        return None
    return pitches.pop(), modes.pop() if modes else None


def parse_mode(text: str) -> int | None:
    """Return 1 for a word for major, 0 for one for minor, None for another text."""
    word = unify(text).casefold().translate(_PLAIN).rstrip(".")
    if len(word) > 1 and re.fullmatch(_MAJOR, word, re.IGNORECASE):
        return 1
    if len(word) > 1 and re.fullmatch(_MINOR, word, re.IGNORECASE):
        return 0
    return None


def is_german_key(text: str) -> bool:
    """Return whether a text is a key of German notation only: ``H``, ``Hm``."""
    text = unify(text)
    return parse_key(text) is None and parse_key(text, german=True) is not None


def _parse_one(text: str, german: bool) -> tuple[int, int | None] | None:
    if code := _CODE.fullmatch(text):
        return _from_code(int(code[1]), code[2].lower())
    text = text.translate(_PLAIN)
    if match := _GERMAN.fullmatch(text):
        return _from_german(match)
    match = _NAME.fullmatch(text)
    if not match or (match[1] in "hH" and not german):
        return None
    step, accidental, major, minor = match.groups()
    name = step.lower()
    shift = _shift((accidental or "").strip(" -").lower())
    if german and name == "b" and not shift:
        shift = -1
    pitch = _SOLFEGE.get(name, _STEPS.get(name, 0)) + shift
    # "CM" is C major beside "Cm", and C minor where everything is in capitals.
    mode = None if minor == "M" else 1 if major else 0 if minor else None
    return pitch % 12, mode


def _from_code(number: int, letter: str) -> tuple[int, int]:
    at = (number - 1 + (7 if letter in "md" else 0)) % 12
    minor = _CAMELOT_MINOR[at]
    return (minor, 0) if letter in "am" else ((minor + 3) % 12, 1)


def _from_german(match: re.Match[str]) -> tuple[int, int]:
    """Return the key of ``Fis-Moll``, ``Es-Dur``, ``H-Moll`` or ``B-Dur`` (which is B flat)."""
    name, suffix, mode = match[1].lower(), (match[2] or "").lower(), match[3].lower()
    shift = {"": 0, "is": 1}.get(suffix, -1)
    if name in ("as", "es"):
        name, shift = name[0], -1
    elif name == "b" and not suffix:
        shift = -1
    return (_STEPS[name] + shift) % 12, int(mode == "dur")


def _shift(accidental: str) -> int:
    if accidental in ("#", "♯", "sharp", "diese", "dies", "diesis", "sostenido", "sustenido"):
        return 1
    return -1 if accidental else 0
