"""Names for new files that every file system takes, with the letters of all alphabets."""

from __future__ import annotations

import re
import unicodedata

LONGEST_BYTES = 255
"""Length of a name in UTF-8 that file systems take."""
_LONGEST_ENDING = 32
_SEPARATORS = re.compile(r"[/\\]")
# Windows forbids these; their full-width forms compare equal in song titles.
_FULL_WIDTH = str.maketrans('<>:"|?*', "＜＞：＂｜？＊")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE)
_JOINERS = "\u200c\u200d"
"""Format characters that spelling needs: Persian, Indic scripts, emoji."""
_ENDING_ALONE = re.compile(r"\.\w{1,8}")


def is_unicode(text: str) -> bool:
    """Return whether a name is text, which UTF-8 and the database hold, and not stray bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """Return ``text`` without control characters, direction marks and lone surrogates."""
    return "".join(
        one
        for one in text
        if unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp") or one in _JOINERS
    )


def base_name(path: str) -> str:
    """Return the last part of a path of any system as a line of text, composed (NFC); may be empty.

    Some browsers send the folders of an upload, too.
    """
    # Twice: line breaks count as spaces, and control characters between spaces leave several.
    name = printable(" ".join(_SEPARATORS.split(path)[-1].split()))
    return unicodedata.normalize("NFC", " ".join(name.split()))


def safe_file_name(name: str, fallback: str = "file") -> str:
    """Return a name for a new file, as close to ``name`` as every file system allows.

    The ``base_name``, not hidden, none of Windows' reserved names, at most 255 bytes with the
    ending kept. ``fallback`` is the name where nothing is left of it.
    """
    text = base_name(name).translate(_FULL_WIDTH)
    if _ENDING_ALONE.fullmatch(text):
        text = fallback + text
    text = re.sub(r"^\.{3,}", "…", text).lstrip(". ").rstrip(". ")
    stem, dot, ending = text.rpartition(".")
    if not stem or " " in ending or len(ending.encode()) > _LONGEST_ENDING:
        stem, dot, ending = text, "", ""
    stem = stem.rstrip(". ") or fallback
    if _RESERVED.fullmatch(stem.partition(".")[0].rstrip()):
        stem = f"_{stem}"
    room = LONGEST_BYTES - len(f"{dot}{ending}".encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return f"{stem}{dot}{ending}"
