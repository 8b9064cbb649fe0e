"""Report of an imported list: numbers of matched, added, unchanged and missing songs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from songrec.core import songs
from songrec.services.listeners.list_formats.entries import ListEntry
from songrec.services.listeners.list_matching import SURENESS, Contradiction
from songrec.services.listeners.similar_names import Candidate, Names

HOWS = {
    "id": "by id",
    "isrc": "by ISRC",
    "path": "by the path of the file",
    "names": "by artist and title",
    "guests": "by title and main artist",
    "similar": "by similar names",
    "decision": "by your decision",
}
"""Ways of matching, in words."""
LISTED = 500
"""Limit of songs and lines that a report names."""


@dataclass
class PlaylistReport:
    """An imported playlist; ``is_new`` unless its songs were added to an existing one."""

    name: str
    songs: int
    missing: int
    is_new: bool


@dataclass
class ImportReport:
    """Result of an import.

    ``matched`` are the entries by way of matching (``HOWS``), ``missing`` those without a track,
    ``refused`` the unusable lines. ``added`` counts new data by kind (like, dislike, skip, play,
    and for an export mix and decision), ``unchanged`` data that existed or contradicts an earlier
    reaction. ``playlists`` is the number of new playlists; ``playlist_reports`` also has the
    others. ``passed_over``, ``notes``, ``contradictions`` and ``limits`` are remarks for the
    reader. ``names`` are the artists and titles of the first matched tracks in the catalogue.
    ``similar`` is the sureness of each match by similar names; ``unsure`` are missing songs with
    candidates for the listener to choose from.
    """

    format: str
    matched: dict[str, list[tuple[ListEntry, int]]] = field(
        default_factory=lambda: {"id": [], "names": [], "guests": []}
    )
    missing: list[ListEntry] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    playlists: int = 0
    playlist_reports: list[PlaylistReport] = field(default_factory=list)
    added: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    similar: dict[Names, float] = field(default_factory=dict)
    unsure: dict[Names, list[Candidate]] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """Number of matched entries."""
        return sum(map(len, self.matched.values()))

    @property
    def likes(self) -> int:
        """Number of new likes."""
        return self.added["like"]

    @property
    def dislikes(self) -> int:
        """Number of new dislikes."""
        return self.added["dislike"]

    @property
    def plays(self) -> int:
        """Number of new plays, including those of unmatched songs."""
        return self.added["play"]

    @property
    def skips(self) -> int:
        """Number of new skips."""
        return self.added["skip"]

    @property
    def missing_songs(self) -> list[ListEntry]:
        """The entries without a track or a candidate, each song once."""
        missing = (e for e in reversed(self.missing) if (e.artists, e.title) not in self.unsure)
        return list({(e.label, e.kind, e.playlist): e for e in missing}.values())[::-1]

    def matched_songs(self, how: str) -> list[str]:
        """Name the first songs that were matched in one way, with their names in the list."""
        songs_by_label = {
            (entry.label, self.names[track_id]): None
            for entry, track_id in self.matched[how]
            if track_id in self.names
        }
        sureness = {
            " – ".join(names): f", {100 * figure:.0f}% sure"
            for names, figure in (self.similar.items() if how == "similar" else ())
        }
        return [
            name
            if songs.plain(name) == songs.plain(label)
            else f"{name} (listed as “{label}”{sureness.get(label, '')})"
            for label, name in list(songs_by_label)[:LISTED]
        ]

    def sureness(self) -> dict[str, float]:
        """Return the sureness of each way of matching, 0 to 1; for similar names the smallest."""
        figures = {how: SURENESS.get(how, 1.0) for how, pairs in self.matched.items() if pairs}
        if "similar" in figures:
            figures["similar"] = min(self.similar.values(), default=1.0)
        return figures

    def to_json(self) -> dict[str, Any]:
        """Serialize for the API and ``--json``."""
        missing = self.missing_songs
        return {
            "format": self.format,
            "likes": self.likes,
            "dislikes": self.dislikes,
            "skips": self.skips,
            "plays": self.plays,
            "playlists": [
                {"name": one.name, "songs": one.songs, "missing": one.missing, "new": one.is_new}
                for one in self.playlist_reports
            ],
            "mixes": self.added["mix"],
            "decisions": self.added["decision"],
            "unchanged": sum(self.unchanged.values()),
            "matched": {how: len(pairs) for how, pairs in self.matched.items() if pairs},
            "matched_songs": [one for how in self.matched for one in self.matched_songs(how)],
            "sureness": self.sureness(),
            "unsure": len(self.unsure),
            "unsure_songs": [" – ".join(names) for names in list(self.unsure)[:LISTED]],
            "missing": len(missing),
            "missing_songs": [entry.label for entry in missing[:LISTED]],
            "refused": [{"line": line, "reason": reason} for line, reason in self.refused[:LISTED]],
            "passed_over": dict(self.passed_over),
            "notes": [*self.notes, *self.limits[:LISTED]],
            "contradictions": [one.text for one in self.contradictions[:LISTED]],
        }

    def to_result(self) -> dict[str, Any]:
        """Serialize for a job's row: as for the API, and ``details`` for the page."""
        return {
            **self.to_json(),
            "details": {
                "found": self.found,
                "entries": self.found + len(self.missing),
                "songs": {how: self.matched_songs(how) for how in self.matched},
                "missing": [[one.line, one.label] for one in self.missing_songs[:LISTED]],
                "contradictions": [
                    [one.entry.line, one.text] for one in self.contradictions[:LISTED]
                ],
                "n_contradictions": len(self.contradictions),
                "n_refused": len(self.refused),
                "limits": self.limits[:LISTED],
                "notes": self.notes,
            },
        }


def summary_lines(report: ImportReport, name: str, most: int = 20) -> list[str]:
    """Format a report as lines of text, with at most ``most`` songs per list."""
    lines = [f"{name} was read as {report.format}."]
    counts = [
        (report.likes, "like", "likes"),
        (report.dislikes, "dislike", "dislikes"),
        (report.plays, "play", "plays"),
        (report.skips, "skip", "skips"),
        (report.added["mix"], "mix", "mixes"),
        (report.added["decision"], "decision", "decisions"),
    ]
    added = [f"{n:,} {one if n == 1 else many}" for n, one, many in counts if n]
    lines.append(f"Added: {', '.join(added) or 'nothing'}.")
    for one in report.playlist_reports:
        kind = "New playlist" if one.is_new else "Playlist"
        missing = f", {one.missing:,} missing" if one.missing else ""
        number = f"{one.songs:,} song{'s' * (one.songs != 1)}"
        lines.append(f"{kind} “{one.name}”: {number}{missing}.")
    if report.unchanged:
        lines.append(f"Unchanged: {report.unchanged.total():,} entries that were here already.")
    matched = [f"{len(p):,} {HOWS[how]}" for how, p in report.matched.items() if p]
    lines.append(f"Matched: {', '.join(matched) or 'nothing'}.")
    listed_otherwise = [
        text for how in report.matched for text in report.matched_songs(how) if "(listed as" in text
    ]
    lists = (
        ("Under another name in the list", listed_otherwise),
        (
            "Not sure (flask listeners unsure lists the candidates)",
            [" – ".join(names) for names in report.unsure],
        ),
        ("Not in this catalogue (kept to try again)", [e.label for e in report.missing_songs]),
        ("Ids of other songs", [c.text for c in report.contradictions]),
        ("Not read", [f"line {line} {reason}" for line, reason in report.refused]),
        ("Passed over", [f"{n:,} {what}" for what, n in report.passed_over.items()]),
    )
    for title, texts in lists:
        if texts:
            lines.append(f"{title}: {len(texts):,}")
            lines += [f"  {text}" for text in texts[:most]]
            if len(texts) > most:
                lines.append(f"  and {len(texts) - most:,} more")
    return [*lines, *report.limits[:most], *report.notes]
