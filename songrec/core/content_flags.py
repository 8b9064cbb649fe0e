"""What sets a recording aside from music for any day: seasonal songs and spoken word.

Such recordings are found by search and pages but not recommended unless a listener likes some.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from songrec.core.songs import plain

SEASONAL = 1
SPOKEN_WORD = 2
NAMES = {SEASONAL: "seasonal", SPOKEN_WORD: "spoken-word"}
"""The flags by their names in addresses and the API."""

SPEECH_ALONE = 0.66
"""A speechiness above this is probably speech alone (Spotify's bound)."""
SOME_SPEECH = 0.33
"""Below this speechiness a title like “Interview” is a song's."""

# Words at the beginning of which an ending may follow: "christmastime", "weihnachtslied".
_SEASONAL_STEMS = (
    "christmas", "xmas", "weihnacht", "navidad", "navideñ", "villancico", "kerstmis", "kerstlied",
    "joulu", "vánoc", "vánoč", "kolęd", "yuletide", "julsång", "juletid", "рождеств", "новогодн",
    "karácsony", "hanukkah", "chanukah", "sinterklaas",
)  # fmt: skip
_SEASONAL_WORDS = (
    "x-mas", "santa claus", "santa baby", "santa tell me", "santa's", "dear santa", "mistletoe",
    "jingle bell", "jingle bells", "jingle bell rock", "sleigh ride", "silent night",
    "o holy night", "oh holy night", "deck the halls", "let it snow", "winter wonderland",
    "rudolph", "frosty the snowman", "little drummer boy", "carol of the bells",
    "away in a manger", "the first noel", "god rest ye", "god rest you", "hark the herald",
    "hark! the herald", "we three kings", "o come all ye faithful", "o come, all ye faithful",
    "adeste fideles", "o little town of bethlehem", "auld lang syne", "happy new year",
    "have yourself a merry little", "the most wonderful time of the year", "home for the holidays",
    "happy holidays", "baby it's cold outside", "baby, it's cold outside", "mary, did you know",
    "mary did you know", "monster mash", "halloween", "noel", "père noël", "vive le vent",
    "mon beau sapin", "minuit chrétiens", "douce nuit", "stille nacht", "heilige nacht",
    "o tannenbaum", "oh tannenbaum", "nikolaus", "leise rieselt der schnee", "kling glöckchen",
    "alle jahre wieder", "ihr kinderlein kommet", "schneeflöckchen", "süßer die glocken",
    "noche de paz", "campana sobre campana", "los peces en el río", "feliz año",
    "feliz natal", "noite feliz", "então é natal", "buon natale", "bianco natale", "a natale",
    "di natale", "tu scendi dalle stelle", "god jul", "glade jul", "stilla natt", "cicha noc",
    "boże narodzenie", "с новым годом", "fröhliche weihnacht",
)  # fmt: skip
_SEASONAL_PARTS = ("クリスマス", "きよしこの夜", "圣诞", "聖誕", "크리스마스")
_SEASONAL_ALBUMS = (
    "holiday collection", "holiday album", "holiday songs", "holiday season", "holiday favorites",
    "holiday classics", "the holidays",
)  # fmt: skip
_SPOKEN_WORDS = (
    "skit", "interview", "interviews", "audiobook", "audio book", "hörbuch", "hörspiel",
    "livre audio", "audiolibro", "audiolivro", "podcast", "spoken word", "commentary", "kapitel",
    "chapter", "chapitre", "capítulo", "capitolo", "entrevista", "intervista",
)  # fmt: skip
_SPOKEN_GENRES = (
    "audiobook", "audio book", "audiobooks", "hörbuch", "hörspiel", "spoken word", "spoken",
    "speech", "podcast", "interview", "interviews", "audio drama", "radio drama", "lecture",
    "livre audio", "audiolibro", "reading", "poetry",
)  # fmt: skip


def _any_of(words: Iterable[str], *, stems: Iterable[str] = (), parts: Iterable[str] = ()) -> str:
    whole = "|".join(re.escape(plain(word)) for word in sorted(words))
    begun = "|".join(re.escape(plain(stem)) for stem in stems)
    inside = "|".join(re.escape(plain(part)) for part in parts)
    choices = [rf"\b(?:{whole})\b", rf"\b(?:{begun})" if begun else "", inside]
    return "|".join(choice for choice in choices if choice)


_SEASONAL = re.compile(_any_of(_SEASONAL_WORDS, stems=_SEASONAL_STEMS, parts=_SEASONAL_PARTS))
_SEASONAL_ALBUM = re.compile(
    _any_of((*_SEASONAL_WORDS, *_SEASONAL_ALBUMS), stems=_SEASONAL_STEMS, parts=_SEASONAL_PARTS)
)
_SPOKEN = re.compile(_any_of(_SPOKEN_WORDS))
_SPOKEN_GENRE = re.compile(_any_of(_SPOKEN_GENRES))


def is_spoken_genre(genre: str) -> bool:
    """Return whether a genre is that of audiobooks, interviews and the like."""
    return _SPOKEN_GENRE.fullmatch(plain(genre)) is not None


def content_flags(
    title: str, album: str = "", *, speechiness: float | None = None, spoken_genre: bool = False
) -> int:
    """Return the flags of a recording, 0 for music for any day.

    ``SEASONAL``: title or album are of Christmas, New Year, Hanukkah or Halloween, in the main
    languages of Europe and East Asia. ``SPOKEN_WORD``: a spoken genre, speech alone, or a title
    such as “Kapitel 3” or “Skit” of a recording whose speechiness is unknown or considerable.
    """
    flags = 0
    name = plain(title).replace("’", "'")
    if _SEASONAL.search(name) or (album and _SEASONAL_ALBUM.search(plain(album))):
        flags |= SEASONAL
    speech = None if speechiness is None or speechiness != speechiness else speechiness
    titled = (speech is None or speech >= SOME_SPEECH) and _SPOKEN.search(
        # “Song + Skit” is a song.
        name.partition("+")[0]
    )
    if spoken_genre or titled or (speech is not None and speech > SPEECH_ALONE):
        flags |= SPOKEN_WORD
    return flags
