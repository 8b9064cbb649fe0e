"""Names of invented artists, albums and songs without repeats."""

from __future__ import annotations

from songrec.demo import vocabulary
from songrec.demo.draw import Draw

_LONG_SHARE = 0.006
_RARE_SHARE = 0.008


def plural(noun: str) -> str:
    """Return the plural of a noun of the grammar; plurals stay unchanged."""
    if noun.endswith(("ss", "sh", "ch", "x")):
        return f"{noun}es"
    if noun.endswith("s"):
        return noun
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"


class Namer:
    """A generator of names that fills the grammar's templates and avoids repeats."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._artists: set[str] = set()
        self._titles: set[tuple[str, str]] = set()
        self._recent: dict[str, int] = {}

    def artist(self, genre: str) -> str:
        """Generate a name that no other artist has."""
        flavour = vocabulary.FLAVOURS[genre]
        while True:
            name = self._fill(self._draw.pick(flavour["bands"]), genre)
            if name not in self._artists and len(set(name.split())) == len(name.split()):
                self._artists.add(name)
                return name

    def album(self, genre: str) -> str:
        """Generate an album name."""
        return self._fill(self._draw.pick(vocabulary.ALBUMS), genre)

    def title(self, genre: str, artist: str) -> str:
        """Generate a title that is new for the artist and not overused in the catalogue."""
        while True:
            title = self._fill(self._template(genre), genre)
            used = self._recent.get(title, 0)
            if (artist, title) not in self._titles and used < 2:
                self._titles.add((artist, title))
                self._recent[title] = used + 1
                return title

    def _template(self, genre: str) -> str:
        luck = self._draw.share()
        if luck < _LONG_SHARE:
            return self._draw.pick(vocabulary.LONG_TITLES)
        if luck < _LONG_SHARE + _RARE_SHARE:
            return self._draw.pick(vocabulary.RARE_TITLES)
        if genre == "Classical":
            return self._draw.pick(vocabulary.CLASSICAL_TITLES)
        if genre == "Jazz" and luck < 0.5:
            return self._draw.pick(vocabulary.JAZZ_TITLES)
        return self._draw.pick(vocabulary.TITLES)

    def _fill(self, template: str, genre: str) -> str:
        draw, flavour = self._draw, vocabulary.FLAVOURS[genre]
        one, other = self._two(flavour["nouns"], vocabulary.SHARED_NOUNS)
        bright, dim = self._two(flavour["adjectives"], vocabulary.SHARED_ADJECTIVES)
        first, second = self._two(vocabulary.FIRST, vocabulary.FIRST)
        key = f"{draw.pick(vocabulary.KEYS)} {'minor' if draw.share() < 0.5 else 'major'}"
        return template.format(
            X=one,
            Xs=plural(one),
            Y=other,
            A=bright,
            A2=dim,
            V=draw.pick(vocabulary.VERBS),
            F=first,
            G=second,
            L=draw.pick(vocabulary.LAST),
            N=draw.pick(flavour["band_nouns"]),
            P=draw.pick(vocabulary.PLACES),
            D=str(1 + draw.below(12)),
            K=key,
        )

    def _two(self, own: tuple[str, ...] | list[str], shared: list[str]) -> tuple[str, str]:
        """Draw two different words, half of them specific to the genre."""
        draw = self._draw
        while True:
            one = draw.pick(own if draw.share() < 0.5 else shared)
            other = draw.pick(own if draw.share() < 0.5 else shared)
            if one != other:
                return one, other
