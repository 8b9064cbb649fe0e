"""Which catalogue a file is of: the one whose ids it repeats under the same names, or a new one.

Ids such as 1, 2, … mean something only within their catalogue, and a file's name is a weak hint
at it: two catalogues may both be called ``tracks.csv``, and the next export of one may be called
``tracks (1).csv``. So the names of the songs decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from songrec.core.catalogue import CatalogueRow
from songrec.core.errors import BadInput
from songrec.core.name_comparison import compare_names
from songrec.core.songs import plain
from songrec.core.track_identity import (
    CATALOGUE_ID,
    VALUES,
    catalogue_namespace,
    namespace_of,
    plain_id,
    same_values,
)
from songrec.store.catalogue import catalogue_ids, track_aliases

SAMPLE = 2_000
"""Number of ids that are compared at most."""
MIN_RETITLED = 3
"""See ``_Evidence``; 2 where the ids count the rows."""

MIN_SAME_IN_ORDER = 0.99
"""Share of equal values from which a row without names is the same song, if ids are row numbers."""
MIN_SHARED = 2
"""Number of rows with another title for an earlier id from which ids are examined."""


@dataclass(frozen=True, slots=True)
class Source:
    """The catalogue of a file.

    ``note`` is the reason if it is not the one suggested by the file's name, or if ids are not read
    (``reads_ids``).
    """

    name: str
    note: str = ""
    reads_ids: bool = True


@dataclass
class _Evidence:
    """Counts of the ids that a catalogue and the file share, by how their names compare.

    ``moved`` of the ``contradicting`` and ``retitled`` songs have another id in the catalogue;
    ``changed`` are those without names to compare whose values are others. From ``min_retitled``
    other titles by the same artists they are no corrections any more.
    """

    source: str
    min_retitled: int = MIN_RETITLED
    compared: int = 0
    same: int = 0
    retitled: int = 0
    contradicting: int = 0
    moved: int = 0
    changed: int = 0

    @property
    def is_same(self) -> bool:
        """Whether most names agree."""
        return self.same > self.contradicting + self.retitled

    @property
    def is_renumbered(self) -> bool:
        """Whether most changed ids belong to songs that now have another id: ids are positions."""
        return self.moved > 0 and 2 * self.moved >= self.contradicting + self.retitled

    @property
    def is_other(self) -> bool:
        """Whether most names are others; a few new titles by the same artists are corrections."""
        retitled = self.retitled if self.retitled >= self.min_retitled else 0
        return self.contradicting + retitled > self.same

    @property
    def is_doubtful(self) -> bool:
        """Whether there are no names to compare and most values differ."""
        return not self.same and self.compared > 1 and 2 * self.changed > self.compared


def ids_are_shared(rows: Sequence[CatalogueRow]) -> bool:
    """Return whether most repeated ids in a file have different titles.

    In that case they are not ids of songs but of albums, genres, years, …
    """
    firsts: dict[str, CatalogueRow] = {}
    repeats = others = 0
    for row in rows:
        first = firsts.setdefault(row.source_key, row)
        if first is row or namespace_of(row.source_key) is None:
            continue
        repeats += 1
        if row.is_titled and row.fields["title"] != first.fields["title"]:
            names = (one.fields[name] for one in (first, row) for name in ("title", "artists"))
            others += compare_names(*names).title is False
    return others >= MIN_SHARED and 2 * others > repeats


def identify_source(
    session: Session, default: str, rows: Sequence[CatalogueRow], *, is_certain: bool = False
) -> Source:
    """Return the catalogue of a file, and whether its ids are usable.

    Parameters
    ----------
    default
        The name suggested by the file's name.
    rows
        The file's first rows, parsed as a part of that catalogue.
    is_certain
        Whether a person chose ``default``, so that only the ids are looked at.

    Raises
    ------
    BadInput
        If the rows are ambiguous, so that the user must name the catalogue.
    """
    own = catalogue_namespace(default)
    evidence = _gather(session, rows, own if is_certain else None)
    mine = evidence.get(own)
    if mine is None and _counts_nameless_rows(rows):
        return Source(default, "the ids only count the rows, so they are not read", False)
    candidates = [
        (counts.same + counts.moved, namespace == own, namespace)
        for namespace, counts in evidence.items()
        if counts.is_same or counts.is_renumbered
    ]
    if candidates:
        _, is_own, namespace = max(candidates)
        return _known_source(default, is_own, namespace, evidence[namespace])
    if is_certain or mine is None:
        return Source(default)
    if mine.is_other:
        name = _free_name(session, default)
        return Source(
            name,
            f"another catalogue is called {default!r}, with other songs under the same ids: this "
            f"one is {name!r}. If it is the same: --source {_quoted(default)}",
        )
    if mine.is_doubtful:
        raise BadInput(
            f"its ids are those of the catalogue {default!r}, with other values for "
            f"{mine.changed:,} of {mine.compared:,}, and there are no names to compare. An update: "
            f"--source {_quoted(default)}. Another catalogue: --source OTHER."
        )
    return Source(default)


def check_nameless(session: Session, source: str, rows: Sequence[CatalogueRow]) -> None:
    """Raise ``BadInput`` if values identify most rows, and few are stored in the same catalogue."""
    keys = [row.source_key for row in rows if row.source_key.startswith(f"{VALUES}:")]
    if 2 * len(keys) <= len(rows):
        return
    stored = catalogue_ids.count_by_values(session, source)
    n_stored = len(track_aliases.tracks_by_key(session, keys)) if stored else 0
    if 2 * n_stored < min(stored, len(keys)):
        raise BadInput(
            "its rows have neither ids nor artists and titles, so values identify them, and only "
            f"{n_stored:,} of {len(keys):,} are in the catalogue {source!r} ({stored:,} songs). "
            f"More songs for it: --source {_quoted(source)}. Another catalogue: --source OTHER. "
            "The same songs with new values: they need a column of ids or names."
        )


def _known_source(default: str, is_own: bool, namespace: str, counts: _Evidence) -> Source:
    """Return the catalogue that a file repeats, by the same ids or with new ones."""
    name = default if is_own else _name_of(namespace, counts.source)
    otherwise = f"If it is another one: --source {_quoted(default if not is_own else 'OTHER')}"
    if counts.is_renumbered:
        return Source(
            name,
            f"{counts.moved:,} of {counts.compared:,} songs have another id in the catalogue "
            f"{name!r}, so ids are not read and songs are known by artist and title. {otherwise}",
            reads_ids=False,
        )
    if is_own:
        return Source(default)
    figures = f"{counts.same:,} of {counts.compared:,}"
    return Source(
        name,
        f"{figures} {'song' if counts.compared == 1 else 'songs'} with the same ids are those of "
        f"the catalogue {name!r}: this is an update of it. {otherwise}",
    )


def _gather(
    session: Session, rows: Sequence[CatalogueRow], only: str | None
) -> dict[str, _Evidence]:
    """Compare the rows that have an own id with the stored tracks of that id, by namespace."""
    by_id: dict[str, CatalogueRow] = {}
    for row in rows:
        if row.source_key.startswith(f"{CATALOGUE_ID}:") and len(by_id) < SAMPLE:
            by_id.setdefault(plain_id(row.fields["external_id"]), row)
    counts_rows = _count_rows(list(by_id.values()))
    evidence: dict[str, _Evidence] = {}
    titles: dict[str, set[str]] = defaultdict(set)
    others: dict[str, list[CatalogueRow]] = defaultdict(list)
    for stored in catalogue_ids.with_ids(session, by_id):
        if only is not None and stored.namespace != only:
            continue
        counts = evidence.setdefault(
            stored.namespace, _Evidence(stored.source, 2 if counts_rows else MIN_RETITLED)
        )
        row = by_id[stored.id]
        title = row.fields["title"] if row.is_titled else ""
        names = compare_names(title, row.fields["artists"], stored.title, stored.artists)
        counts.compared += 1
        counts.same += names.agrees
        counts.retitled += names.is_retitled
        counts.contradicting += names.contradicts
        titles[stored.namespace].add(plain(stored.title))
        if names.contradicts or names.is_retitled:
            others[stored.namespace].append(row)
        if names.title is None:
            share = MIN_SAME_IN_ORDER if counts_rows else 0.5
            counts.changed += same_values(row.attributes, stored.values, share) is False
    for namespace, moved in others.items():
        named = {row.song_key for row in moved if row.fields["artists"]}
        counts = evidence[namespace]
        counts.moved = catalogue_ids.count_songs(session, counts.source, named)
        counts.moved += sum(
            not row.fields["artists"] and plain(row.fields["title"]) in titles[namespace]
            for row in moved
        )
    return evidence


def _counts_nameless_rows(rows: Sequence[CatalogueRow]) -> bool:
    """Whether most rows have no name and an id that is only their place."""
    numbered = [row for row in rows if row.source_key.startswith(f"{CATALOGUE_ID}:")]
    nameless = [row for row in numbered if not row.is_titled and not row.fields["artists"]]
    return 2 * len(nameless) > len(rows) and _count_rows(nameless)


def _count_rows(rows: Sequence[CatalogueRow]) -> bool:
    """Whether the ids of rows count them, from 0 or 1."""
    try:
        starts = {int(plain_id(row.fields["external_id"])) - row.number for row in rows}
    except ValueError:
        return False
    return len(rows) > 1 and starts in ({0}, {-1})


def _name_of(namespace: str, source: str) -> str:
    # A long name is only a digest in its keys.
    return source if catalogue_namespace(source) == namespace else namespace.partition(":")[2]


def _free_name(session: Session, default: str) -> str:
    number = 2
    while catalogue_ids.is_used(session, catalogue_namespace(f"{default} ({number})")):
        number += 1
    return f"{default} ({number})"


def _quoted(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else f'"{name}"'
