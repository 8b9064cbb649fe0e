"""Lists of names in one cell (artists, genres) in the notations of Python, JSON and databases."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping, Sequence, Set
from typing import Any

_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_NOTHING = r"None|null|nan|NaN|<NA>"
_ITEM = re.compile(rf"[urb]?({_QUOTED})|({_NOTHING})")
_LIST = re.compile(
    rf"\s*(?:[urb]?(?:{_QUOTED})|{_NOTHING})(?:[\s,;]+(?:[urb]?(?:{_QUOTED})|{_NOTHING}))*\s*,?\s*"
)
_ESCAPE = re.compile(r"\\(U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)")
_NUMBERS = re.compile(r"\s*-?\d+(?:\.\d+)?(?:[\s,]+-?\d+(?:\.\d+)?)*\s*")
_BETWEEN_BARE_QUOTES = re.compile(r"""['"]\s*[,;]\s*['"]""")
_NAME_KEYS = ("name", "artist_name", "genre_title", "genre_name", "title", "artist", "genre", "tag")
_MAX_LENGTH = 20_000


def parse_name_list(text: str) -> list[str] | None:
    """Return the names in ``['A', 'B']``, ``["A"]``, ``('A',)``, ``{A,B}`` or ``[{'name': 'A'}]``.

    None if the text is a single name.

    Raises
    ------
    ValueError
        If it is a list of entries without names.
    """
    text = text.strip()
    if len(text) < 2 or _BRACKETS.get(text[0]) != text[-1]:
        return None
    inner = text[1:-1].strip()
    if not inner:
        return [] if text[0] != "(" else None
    if _LIST.fullmatch(inner):
        return [_unescape(match[1]) for match in _ITEM.finditer(inner) if match[1]]
    if "{" in text:
        entries = _literal(text)
        if entries is not None:
            return names_of_entries(entries)
    if text[0] == "{" and re.search(r'[,"]', inner):
        return _postgres_array(inner)
    if text[0] == "[" and inner[0] in "'\"" and inner[-1] == inner[0]:
        # Written without escapes: ['Guns N' Roses', 'Tool'].
        return _BETWEEN_BARE_QUOTES.split(inner[1:-1])
    return None


def names_of_entries(entries: Any) -> list[str]:
    """Return the names of entries such as ``{'name': 'A', 'id': 'x'}``.

    Raises
    ------
    ValueError
        If an entry has no name.
    """
    if isinstance(entries, Mapping):
        entries = [entries]
    return [name for entry in entries if (name := _name_of(entry))]


def is_number_list(text: str) -> bool:
    """Return whether a cell lists numbers, such as the ids of genres: ``[21, 45]``."""
    text = text.strip()
    return text.startswith("[") and text.endswith("]") and bool(_NUMBERS.fullmatch(text[1:-1]))


def _name_of(entry: Any) -> str:
    if entry is None or entry != entry:
        return ""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Mapping):
        named = next((key for key in _NAME_KEYS if isinstance(entry.get(key, 0), str | None)), None)
        if named:
            return entry[named] or ""
    raise ValueError("is a list of entries without names")


def _literal(text: str) -> Sequence[Any] | Set[Any] | Mapping[Any, Any] | None:
    """Parse a list or mapping as JSON or as a Python literal; None if it is neither."""
    if len(text) > _MAX_LENGTH:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes that Python does not know
                value = read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(value, list | tuple | set | dict):
            return value
    return None


def _postgres_array(inner: str) -> list[str]:
    items = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,"]+)', inner)
    names = [_ESCAPE.sub(r"\1", quoted) if quoted else bare.strip() for quoted, bare in items]
    return [name for name in names if name and name != "NULL"]


def _unescape(quoted: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b"}.get(code, code)

    text = _ESCAPE.sub(character, quoted[1:-1])
    # Characters beyond 16 bits that JSON writes as two.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
