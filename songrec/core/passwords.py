"""Rules against passwords that are guessed first: repetition, runs of keys and common words."""

from __future__ import annotations

import re
import unicodedata

FEWEST_CHARACTERS = 5
"""Fewest different characters of a password."""
FEWEST_LEFT = 4
"""Fewest characters that are left when common words, runs and the name are taken out."""
_RUN = 4
_LONGEST_UNIT = 6
_KEYS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "йцукенгшщзхъ",
    "фывапролджэ",
)
# What lists of leaked passwords begin with, in a few languages, and what is near at hand here.
_WORDS = (
    "password", "passwort", "passwd", "motdepasse", "contrasena", "senha", "wachtwoord", "haslo",
    "parola", "пароль", "hasło", "secret", "geheim", "letmein", "welcome", "willkommen",
    "bienvenue", "iloveyou", "ichliebedich", "teamo", "jetaime", "admin", "administrator", "root",
    "user", "login", "guest", "test", "default", "changeme", "change", "master", "monkey", "dragon",
    "football", "fussball", "baseball", "superman", "batman", "pokemon", "starwars", "princess",
    "sunshine", "shadow", "trustno", "whatever", "hello", "hallo", "summer", "sommer", "winter",
    "spring", "autumn", "music", "musik", "spotify", "songrec", "love", "liebe", "michael",
    "charlie", "jordan", "computer", "internet", "qwerty", "azerty", "freedom", "cheese", "killer",
)  # fmt: skip
_LEET = str.maketrans("@4310$5!7", "aaeiossit")


def weakness(password: str, name: str = "") -> str | None:
    """Return why a password would be guessed soon, None if these rules find nothing."""
    text = unicodedata.normalize("NFKC", password).casefold()
    if len(set(text)) < FEWEST_CHARACTERS:
        return "it has few different characters"
    for size in range(1, len(text) // 2 + 1):
        unit = text[:size]
        if size <= _LONGEST_UNIT and text == (unit * (len(text) // size + 1))[: len(text)]:
            return "it repeats itself"
    words = sorted({*_WORDS, unicodedata.normalize("NFKC", name).casefold()} - {""}, key=len)
    left = _without_runs(text)
    for spelling in (left, left.translate(_LEET)):
        left = spelling
        for word in reversed(words):
            left = left.replace(word, " ")
        left = re.sub(r"(19|20)\d\d", "", re.sub(r"[\W_]", "", left))
        if len(left) < FEWEST_LEFT:
            return "it is a common word, a run of keys or the name with little added"
    return None


def _without_runs(text: str) -> str:
    """Return ``text`` without runs of four or more keys, forwards or backwards."""
    lines = [line for keys in _KEYS for line in (keys, keys[::-1])]
    characters, at = [], 0
    while at < len(text):
        end = at + 1
        while end < len(text) and any(text[at : end + 1] in line for line in lines):
            end += 1
        if end - at < _RUN:
            end = at + 1
            characters.append(text[at])
        at = end
    return "".join(characters)
