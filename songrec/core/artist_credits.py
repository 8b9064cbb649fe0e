"""The parser of artist credits: from what a source writes to single artists and their roles.

A source that lists artists (a JSON-like list, a multi-valued tag, MusicBrainz ids) is believed. A
single text is taken apart only on evidence: an explicit form ("A feat. B", "A with B", "A x B",
"A vs. B"), or parts that the catalogue credits as artists of their own, unless it credits the
whole name many times as often as the rarest of them. So "Queen & David Bowie" is two artists where
both have songs of their own, and "Simon & Garfunkel", "Earth, Wind & Fire" or "10,000 Maniacs"
stay one.

Every credit keeps the text that joins it to the next, so that ``display_line`` gives back what the
source wrote and nobody takes the displayed line apart again. See docs/artists.md.
"""

from __future__ import annotations

import itertools
import re
from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

from songrec.core.songs import TYPOGRAPHY, plain

MAIN, FEATURED = "main", "featured"
ROLES = (MAIN, FEATURED)
LONGEST_LINE = 500
"""Characters of a displayed artist line."""
MARGIN = 10
"""Two artists seldom have ten times as many songs together as one of them alone; a band whose name
falls into names of others ("Earth", "Wind", "Fire") has."""
MOST_CUTS = 40
"""A text with more places to split stays one name: it is a cast, not a credit."""

_GUESTS = re.compile(
    r"\s*[(\[]\s*(?:(?i:feat|ft)\.?|(?i:featuring))\s+"
    r"|,?\s+(?:(?i:feat|ft)\.\s*|(?:[Ff]eat|ft|(?i:featuring))\s+)"
)
_EXPLICIT = re.compile(r"\s+(?:(?i:with|vs\.?|versus)|x|×)\s+")
THOUSANDS = r"(?<=(?<![\w-])\d),\d{3}\b|(?<=(?<![\w-])\d\d),\d{3}\b|(?<=(?<![\w-])\d{3}),\d{3}\b"
"""The comma of a number such as 10,000 and the digits after it."""
# A comma of a number or before "Inc." joins no names.
_COMMA = rf"\s*(?!{THOUSANDS}),(?!\s*(?i:inc|ltd|llc|jr|sr|esq|ph\.?d)\b)\s*"
_POSSIBLE = re.compile(
    rf"{_COMMA}|\s*;\s*|\s+(?:&|\+|/|(?i:and)|X(?=\s+(?!and\b)\w))\s+|(?<=\S{{3}})/(?=\S{{3}})"
)
_ENDS_OPEN = re.compile(r"(?:[,;&+/]|\b(?:and|with|vs\.?))$", re.IGNORECASE)
_BEGINS_OPEN = re.compile(r"(?:[,;&+/]|(?:and|with|vs\.?|feat|ft)\b|[x×]\s)", re.IGNORECASE)


def artist_key(name: str) -> str:
    """What two spellings of an artist's name share: no case, accents, typographic signs."""
    name = name.translate(TYPOGRAPHY)
    return plain(name) or name.strip()


@dataclass(frozen=True, slots=True)
class Credit:
    """One artist of a track; ``joiner`` is the text up to the next credit of the line."""

    name: str
    role: str = MAIN
    joiner: str = ""
    musicbrainz_id: str | None = None

    @property
    def key(self) -> str:
        """See ``artist_key``."""
        return artist_key(self.name)


@dataclass(frozen=True)
class ArtistField:
    """The artists of a track as its source gives them.

    ``is_list``: the source itself tells the names apart, so each is one artist. Otherwise there is
    one name, which may credit several. ``musicbrainz_ids`` are those of ``names``, or none.
    ``written`` is the line that the source writes beside a list ("A feat. B"), for its joiners.
    """

    names: tuple[str, ...] = ()
    is_list: bool = False
    musicbrainz_ids: tuple[str, ...] = ()
    written: str = ""

    @classmethod
    def from_text(cls, text: str) -> ArtistField:
        """A field that holds a single text."""
        text = " ".join(text.split())
        return cls((text,) if text else ())

    @cached_property
    def certain_credits(self) -> tuple[Credit, ...]:
        """The credits that are certain without knowing the catalogue.

        A list is as it is; of a text only "feat." and its like set guests apart. What remains is
        split by ``split_name`` once the catalogue is complete.
        """
        if self.is_list:
            return tuple(_listed(self))
        return tuple(credit for name in self.names for credit in _guests_apart(name))

    @cached_property
    def line(self) -> str:
        """The displayed artist line."""
        return display_line(self.certain_credits)


@dataclass(frozen=True)
class Evidence:
    """Which names a catalogue credits: ``tracks`` by ``artist_key``, ``confirmed`` by a list or id.

    A name *stands* if the catalogue credits it at all. ``splits_everywhere``: every name stands.
    """

    tracks: Mapping[str, int] = field(default_factory=dict)
    confirmed: Set[str] = frozenset()
    splits_everywhere: bool = False

    def stands(self, name: str) -> bool:
        """Whether the catalogue credits ``name`` as an artist."""
        key = artist_key(name)
        return self.splits_everywhere or key in self.confirmed or self.tracks.get(key, 0) > 0

    def prefers_whole(self, name: str, parts: Iterable[str]) -> bool:
        """Whether ``name`` is one artist although ``parts`` could be its artists.

        It is if a list or an id names it, or if it has at least two tracks and more than
        ``MARGIN`` times as many as the rarest of the parts.
        """
        key = artist_key(name)
        if key in self.confirmed:
            return True
        keys = [artist_key(part) for part in parts]
        rarest = min((self.tracks.get(k, 0) for k in keys), default=0)
        return self.tracks.get(key, 0) >= 2 and self.tracks.get(key, 0) > MARGIN * rarest

    def with_names(self, names: Iterable[str]) -> Evidence:
        """Add names that stand, of a source beside the catalogue."""
        others = {artist_key(name): 1 for name in names}
        tracks = cast(dict[str, int], self.tracks)
        return replace(self, tracks=ChainMap(tracks, others)) if others else self


EVERY_NAME = Evidence(splits_everywhere=True)
"""Evidence by which a text is split wherever it can be: to compare guests, never to store them."""
_NO_EVIDENCE = Evidence()


def parse_credits(source: ArtistField | str, evidence: Evidence = _NO_EVIDENCE) -> list[Credit]:
    """Return the credits of a track, in order.

    Parameters
    ----------
    source
        The source's field, or a single text.
    evidence
        What the catalogue knows about names; without it only explicit forms split a text.
    """
    if isinstance(source, str):
        source = ArtistField.from_text(source)
    if source.is_list:
        return _listed(source)
    return [part for credit in source.certain_credits for part in split_name(credit, evidence)]


def split_name(credit: Credit, evidence: Evidence) -> list[Credit]:
    """Split the name of a credit into several where there is evidence for it.

    The first of them keeps the credit's role, the last its joiner.
    """
    pieces, joiners = _between_names(_EXPLICIT, credit.name)
    if len(pieces) > 1 and evidence.prefers_whole(credit.name, pieces):
        return [credit]
    credits: list[Credit] = []
    role = credit.role
    for piece, joiner in zip(pieces, [*joiners, credit.joiner], strict=True):
        names, inner = _standing_parts(piece, evidence)
        ends = [*inner, joiner]
        credits += [Credit(n, role, end) for n, end in zip(names, ends, strict=True)]
        if joiner.strip().casefold() == "with":
            role = FEATURED
    return [credit] if len(credits) == 1 else credits


def display_line(credits: Sequence[Credit], limit: int = LONGEST_LINE) -> str:
    """Compose the artist line that pages show; of a very long cast as many names as fit."""
    line, cut = "", 0
    for credit in credits:
        if len(line) + len(credit.name) > limit - 1 and line:
            text = line + credit.name + credit.joiner
            return line + credit.name if len(text) <= limit else f"{line[:cut]}…"
        line += credit.name
        cut = min(len(line), limit - 1)
        line += credit.joiner
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def join_names(names: Sequence[str], featured: Sequence[str] = ()) -> list[Credit]:
    """Return credits for known names, joined as "A, B feat. C"."""
    main = [Credit(name, MAIN, ", ") for name in names]
    guests = [Credit(name, FEATURED, ", ") for name in featured]
    if main and guests:
        main[-1] = replace(main[-1], joiner=" feat. ")
    credits = main + guests
    return [*credits[:-1], replace(credits[-1], joiner="")] if credits else []


def collect_evidence(sources: Iterable[ArtistField]) -> Evidence:
    """Count which names a whole catalogue credits, for catalogues outside the database."""
    tracks: Counter[str] = Counter()
    confirmed: set[str] = set()
    for source in sources:
        keys = [credit.key for credit in source.certain_credits]
        tracks.update(set(keys))
        if source.is_list:
            confirmed.update(keys)
    return Evidence(tracks, confirmed)


def may_be_several(name: str) -> bool:
    """Whether ``name`` holds anything that could join artists."""
    return bool(_POSSIBLE.search(name) or _EXPLICIT.search(name))


def candidate_names(name: str) -> list[str]:
    """Return every name that ``split_name`` may ask evidence for."""
    pieces, _ = _between_names(_EXPLICIT, name)
    candidates = {name: None} | dict.fromkeys(pieces)
    for piece in pieces:
        cuts = [match.span() for match in _POSSIBLE.finditer(piece)]
        if len(cuts) > MOST_CUTS + 2:  # two may stand at the ends
            continue
        starts = [0, *(end for _, end in cuts)]
        ends = [*(start for start, _ in cuts), len(piece)]
        for i, start in enumerate(starts):
            candidates |= {piece[start:end]: None for end in ends[i:] if piece[start:end]}
    return list(candidates)


def evidence_names(text: str) -> list[str]:
    """Return every name that parsing an artist line may ask evidence for."""
    credits = ArtistField.from_text(text).certain_credits
    joint = [one.name for one in credits if may_be_several(one.name)]
    return [candidate for name in joint for candidate in candidate_names(name)]


def _listed(source: ArtistField) -> list[Credit]:
    names = [" ".join(name.split()) for name in source.names]
    ids: Sequence[str | None] = source.musicbrainz_ids
    if len(ids) != len(names):
        ids = [None] * len(names)
    id_of = {name: id_ for name, id_ in zip(names, ids, strict=True) if name}
    credits = join_names(list(id_of))
    if source.written:
        evidence = Evidence(confirmed=frozenset(credit.key for credit in credits))
        written = parse_credits(source.written, evidence)
        if [credit.key for credit in written] == [credit.key for credit in credits]:
            credits = [
                replace(one, role=as_written.role, joiner=as_written.joiner)
                for one, as_written in zip(credits, written, strict=True)
            ]
    return [replace(credit, musicbrainz_id=id_of[credit.name]) for credit in credits]


def _guests_apart(text: str) -> list[Credit]:
    """Set the guests of "A feat. B", "A (feat. B)" apart."""
    pieces, joiners = _between_names(_GUESTS, text)
    credits = []
    for i, (piece, joiner) in enumerate(zip(pieces, [*joiners, ""], strict=True)):
        if i and joiners[i - 1].strip()[:1] in "([" and piece[-1:] in (")", "]"):
            piece, joiner = piece[:-1].rstrip(), piece[len(piece[:-1].rstrip()) :] + joiner
        credits.append(Credit(piece, FEATURED if i else MAIN, joiner))
    if not all(credit.name for credit in credits):
        return [Credit(text)]
    return credits


def _between_names(pattern: re.Pattern[str], text: str) -> tuple[list[str], list[str]]:
    """Cut ``text`` where ``pattern`` stands between two names; the pieces, and what joined them."""
    pieces, joiners, start = [], [], 0
    for match in pattern.finditer(text):
        before, after = text[start : match.start()], text[match.end() :]
        if not before.strip() or not after.strip():
            continue
        if pattern is _EXPLICIT and (_ENDS_OPEN.search(before) or _BEGINS_OPEN.match(after)):
            continue  # a letter or word of a name ("lil nas x & …"), not between two names
        pieces.append(before)
        joiners.append(match.group())
        start = match.end()
    return [*pieces, text[start:]], joiners


def _standing_parts(text: str, evidence: Evidence) -> tuple[list[str], list[str]]:
    """Cut ``text`` into the fewest names that all stand; as it is where there are none."""
    cuts = [match.span() for match in _POSSIBLE.finditer(text)]
    cuts = [(start, end) for start, end in cuts if start > 0 and end < len(text)]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(text)]
    if evidence.splits_everywhere:
        parts = [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
        gaps = [text[end:start] for (_, end), (start, _) in itertools.pairwise(parts)]
        return [text[start:end] for start, end in parts], gaps
    if not cuts or len(cuts) > MOST_CUTS:
        return [text], []
    n = len(starts)
    # best[i]: where the names of the fewest-names split of the atoms i… begin, None for no split.
    best: list[list[int] | None] = [None] * n + [[]]
    for i in range(n - 1, -1, -1):
        for j in range(n, i, -1):
            rest = best[j]
            if rest is None or (i, j) == (0, n):
                continue
            part = text[starts[i] : ends[j - 1]]
            mine = best[i]
            if (mine is None or len(rest) + 1 < len(mine)) and part and evidence.stands(part):
                best[i] = [i, *rest]
    first = best[0]
    if first is None:
        return [text], []
    edges = [*first, n]
    names = [text[starts[i] : ends[j - 1]] for i, j in itertools.pairwise(edges)]
    if evidence.prefers_whole(text, names):
        return [text], []
    return names, [text[ends[i - 1] : starts[i]] for i in first[1:]]
