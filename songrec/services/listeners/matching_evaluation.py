"""Evaluation of the matching of lists, on names of the catalogue with typical alterations.

The correct answer is known: the original song, or none if the altered name is another recording.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.core.songs import plain
from songrec.core.title_normalization import match_key, parse_song_name, title_parts
from songrec.core.types import Progress, no_progress
from songrec.services.listeners import similar_names
from songrec.services.listeners.list_formats.entries import ListEntry
from songrec.services.listeners.list_matching import match_entries
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists
from songrec.store.tables import Track

BATCH = 2_000
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TOWNS = ("Oslo", "Lyon", "Leeds", "Porto", "Kyoto")


@dataclass(frozen=True, slots=True)
class _Song:
    track_id: int
    title: str
    artists: tuple[str, ...]

    @property
    def line(self) -> str:
        return ", ".join(self.artists)

    @property
    def key(self) -> int | None:
        return match_key(self.artists, self.title)


@dataclass
class KindFigures:
    """Outcomes of one kind of alteration.

    ``accepted`` and ``false_accepted`` are songs matched without a question, correctly and wrongly;
    ``queries`` are questions with the correct song among the candidates, ``futile_queries`` those
    without it; ``unmatched`` are songs with neither.
    """

    songs: int = 0
    accepted: int = 0
    false_accepted: int = 0
    queries: int = 0
    futile_queries: int = 0
    unmatched: int = 0


@dataclass(frozen=True)
class MatchingFigures:
    """Outcomes by kind, and the share of correct first candidates by sureness."""

    kinds: dict[str, KindFigures]
    by_sureness: dict[str, tuple[int, int]]
    thresholds: dict[str, tuple[float, float]]

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``."""
        return {
            "kinds": {kind: asdict(figures) for kind, figures in self.kinds.items()},
            "by_sureness": [
                {"sureness": name, "candidates": n, "right": right}
                for name, (n, right) in self.by_sureness.items()
            ],
            "thresholds": [
                {"sureness": name, "precision": precision, "recall": recall}
                for name, (precision, recall) in self.thresholds.items()
            ],
        }


Alteration = Callable[[_Song, random.Random], tuple[str, str] | None]
"""Function to alter artists and title of a song as a list might; None if it does not apply."""


def _slip(text: str, chance: random.Random) -> str | None:
    """Return a text with one letter omitted, doubled, replaced, or swapped with the next."""
    places = [at for at, letter in enumerate(text) if letter.isalpha()]
    if len(places) < 5:
        return None
    at = chance.choice(places[1:])
    kind = chance.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[: at + 1] + text[at:]
    if kind == 2:
        return text[:at] + chance.choice(_LETTERS) + text[at + 1 :]
    return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]


def _slip_in_title(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    title = _slip(song.title, chance)
    return (song.line, title) if title else None


def _two_slips_in_title(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    title = _slip(song.title, chance) if len(song.title) >= 9 else None
    title = _slip(title, chance) if title else None
    return (song.line, title) if title else None


def _slip_in_artist(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    name = _slip(song.artists[0], chance)
    return (", ".join((name, *song.artists[1:])), song.title) if name else None


def _slip_in_both(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    title, name = _slip(song.title, chance), _slip(song.artists[0], chance)
    return (name, title) if title and name else None


def _remaster(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    year = chance.randrange(1998, 2024)
    forms = (f" - Remastered {year}", f" ({year} Remaster)", f" - {year} Remaster", " (Remastered)")
    return song.line, song.title + chance.choice(forms)


def _guest(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    return song.line, f"{song.title} (feat. {chance.choice(('Nova Reyes', 'DJ Orla', 'Tam'))})"


def _only_first_artist(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    return (song.artists[0], song.title) if len(song.artists) > 1 else None


def _other_order(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    return (" & ".join(song.artists[::-1]), song.title) if len(song.artists) > 1 else None


def _subtitle(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    words = ("The Long Way Home", "De Vuelta a Casa", "Zurück nach Haus", "Sous la Pluie")
    return song.line, f"{song.title} ({chance.choice(words)})"


def _is_plain(song: _Song) -> bool:
    """Return whether a title has no brackets, no part after a dash, and no guests."""
    core, rest = title_parts(song.title)
    return not rest and core == " ".join(re.findall(r"\w+", plain(song.title)))


def _live(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    forms = (
        " (Live)",
        f" - Live at {chance.choice(_TOWNS)}",
        f" [Live in {chance.choice(_TOWNS)}]",
    )
    return (song.line, song.title + chance.choice(forms)) if _is_plain(song) else None


def _remix(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    title = f"{song.title} ({chance.choice(_TOWNS)} Remix)"
    return (song.line, title) if _is_plain(song) else None


def _sequel(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    title = song.title + chance.choice((" II", " Part 2", ", Pt. 3"))
    return (song.line, title) if _is_plain(song) else None


def _translated(song: _Song, chance: random.Random) -> tuple[str, str] | None:
    return song.line, chance.choice(("Nachts am Fluss", "Todo lo Que Queda", "Sans un Mot"))


RIGHT: dict[str, Alteration] = {
    "one slip in the title": _slip_in_title,
    "two slips in the title": _two_slips_in_title,
    "a slip in the artist": _slip_in_artist,
    "slips in both": _slip_in_both,
    "remaster": _remaster,
    "a guest more": _guest,
    "the first artist only": _only_first_artist,
    "artists in another order": _other_order,
    "a subtitle": _subtitle,
}
"""Alterations that keep the recording."""
OTHERS: dict[str, Alteration] = {
    "live version": _live,
    "remix": _remix,
    "second part": _sequel,
    "translated title": _translated,
}
"""Alterations that make it another recording, so that the original song is a wrong match."""
ABSENT = "not in the catalogue"
"""Unaltered names of songs that are hidden from the catalogue during the evaluation."""


def evaluate_matching(
    session: Session, n_songs: int, seed: int = 0, on_progress: Progress = no_progress
) -> MatchingFigures:
    """Alter the names of ``n_songs`` songs of the catalogue in each way and match them."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    everything = _songs(session)
    if not everything:
        raise NotReady("The catalogue has no songs with a title and artists: flask ingest FILE")
    sample = chance.sample(everything, min(n_songs, len(everything)))
    ids_by_key: dict[int | None, set[int]] = defaultdict(set)
    for song in everything:
        ids_by_key[song.key].add(song.track_id)
    kinds: dict[str, KindFigures] = {}
    judged: list[tuple[float, bool]] = []
    n_right = 0
    for number, (kind, alter) in enumerate([*RIGHT.items(), *OTHERS.items()]):
        on_progress(number / (len(RIGHT) + len(OTHERS) + 1), kind)
        names = [(song, altered) for song in sample if (altered := alter(song, chance)) is not None]
        answers = [ids_by_key[song.key] if kind in RIGHT else set() for song, _ in names]
        n_right += len(names) if kind in RIGHT else 0
        kinds[kind] = _outcomes(session, [altered for _, altered in names], answers, judged)
    kinds[ABSENT] = _evaluate_absent(session, sample, ids_by_key, judged)
    return MatchingFigures(kinds, _by_sureness(judged), _thresholds(judged, n_right))


def _songs(session: Session) -> list[_Song]:
    rows = session.execute(select(Track.id, Track.title).order_by(Track.id)).all()
    credited: dict[int, Sequence[str]] = {}
    for part in chunks([row.id for row in rows]):
        credited |= artists.names_of_tracks(session, part)
    return [
        _Song(row.id, row.title, tuple(credited[row.id]))
        for row in rows
        if credited.get(row.id) and parse_song_name(credited[row.id], row.title) is not None
    ]


def _outcomes(
    session: Session,
    names: Sequence[tuple[str, str]],
    answers: Sequence[set[int]],
    judged: list[tuple[float, bool]],
) -> KindFigures:
    figures = KindFigures(len(names))
    for start in range(0, len(names), BATCH):
        entries = [
            ListEntry(number, "like", title=title, artists=line)
            for number, (line, title) in enumerate(names[start : start + BATCH])
        ]
        matching = match_entries(session, entries)
        for how, pairs in matching.matched.items():
            for entry, track_id in pairs:
                right = track_id in answers[start + entry.line]
                figures.accepted += right
                figures.false_accepted += not right
                sureness = matching.sureness_of(how, entry)
                judged.append((sureness, right))
        for entry in matching.missing:
            candidates = matching.unsure.get((entry.artists, entry.title), [])
            ids = {one.track_id for one in candidates}
            right = bool(ids & answers[start + entry.line])
            figures.queries += bool(candidates) and right
            figures.futile_queries += bool(candidates) and not right
            figures.unmatched += not candidates
            if candidates:
                first = candidates[0]
                judged.append((first.sureness, first.track_id in answers[start + entry.line]))
    return figures


def _evaluate_absent(
    session: Session,
    sample: Sequence[_Song],
    ids_by_key: dict[int | None, set[int]],
    judged: list[tuple[float, bool]],
) -> KindFigures:
    hidden = {track_id for song in sample for track_id in ids_by_key[song.key]}
    by_names = similar_names.find_candidates(
        session, {(song.line, song.title) for song in sample}, without=hidden
    )
    figures = KindFigures(len(sample))
    for song in sample:
        candidates = by_names.get((song.line, song.title), [])
        figures.false_accepted += similar_names.is_sure(candidates)
        figures.futile_queries += bool(candidates) and not similar_names.is_sure(candidates)
        figures.unmatched += not candidates
        if candidates:
            judged.append((candidates[0].sureness, False))
    return figures


def _by_sureness(judged: Sequence[tuple[float, bool]]) -> dict[str, tuple[int, int]]:
    edges = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
    bins: dict[str, tuple[int, int]] = {}
    for low, high in zip(edges, (*edges[1:], 2.0), strict=True):
        inside = [right for sureness, right in judged if low <= sureness < high]
        name = f"{low:.2f}–{high:.2f}" if high <= 1 else "1.00"
        bins[name] = (len(inside), sum(inside))
    return bins


def _thresholds(
    judged: Sequence[tuple[float, bool]], n_right: int
) -> dict[str, tuple[float, float]]:
    """Return precision and recall of accepting first candidates, by smallest sureness."""
    figures = {}
    for percent in range(60, 101, 5):
        accepted = [right for sureness, right in judged if sureness >= percent / 100]
        precision = sum(accepted) / len(accepted) if accepted else 0.0
        figures[f"{percent / 100:.2f}"] = (
            round(precision, 4),
            round(sum(accepted) / max(1, n_right), 4),
        )
    return figures
