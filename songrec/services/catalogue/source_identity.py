"""Which catalogue a file is of: the one whose ids it repeats under the same names, or a new one.

Ids such as 1, 2, … mean something only within their catalogue, and a file's name is a weak hint
at it: two catalogues may both be called ``tracks.csv``, and the next export of one may be called
``tracks (1).csv``. So the names of the songs decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from songrec.core.catalogue import CatalogueRow
from songrec.core.errors import BadInput
from songrec.core.name_comparison import compare_names
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
"""Number of other titles by the same artists from which they are no corrections any more."""

MIN_SHARED = 2
"""Number of rows with another title under an earlier id from which ids are looked at."""


@dataclass(frozen=True, slots=True)
class Source:
    """A catalogue's name, and why it is not the one that the file's name suggests."""

    name: str
    note: str = ""


@dataclass
class _Evidence:
    """Counts of the ids that a catalogue and the file share, by how their names compare.

    ``changed`` are those without names to compare whose values are others.
    """

    source: str
    compared: int = 0
    same: int = 0
    retitled: int = 0
    contradicting: int = 0
    changed: int = 0

    @property
    def is_same(self) -> bool:
        """Whether most names agree."""
        return self.same > self.contradicting + self.retitled

    @property
    def is_other(self) -> bool:
        """Whether most names are others; a few new titles by the same artists are corrections."""
        retitled = self.retitled if self.retitled >= MIN_RETITLED else 0
        return self.contradicting + retitled > self.same

    @property
    def is_doubtful(self) -> bool:
        """Whether there are no names to compare and most values are others."""
        return not self.same and self.compared > 1 and 2 * self.changed > self.compared

    @property
    def figures(self) -> str:
        """The share of songs that agree, for people."""
        return f"{self.same:,} of {self.compared:,} {'song' if self.compared == 1 else 'songs'}"


def ids_are_shared(rows: Sequence[CatalogueRow]) -> bool:
    """Return whether most ids that recur in a file stand under another title each time.

    Then they are not ids of songs but of albums, genres, years, …
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


def identify_source(session: Session, default: str, rows: Sequence[CatalogueRow]) -> Source:
    """Return the catalogue that a file belongs to.

    Parameters
    ----------
    default
        The name that the file's name suggests.
    rows
        The file's first rows, read as a part of that catalogue.

    Raises
    ------
    BadInput
        If the rows cannot tell: a person has to name the catalogue.
    """
    _check_nameless(session, default, rows)
    evidence = _gather(session, rows)
    own = catalogue_namespace(default)
    agreeing = [
        (counts.same, namespace == own, namespace)
        for namespace, counts in evidence.items()
        if counts.is_same
    ]
    mine = evidence.get(own)
    if agreeing:
        _, is_own, namespace = max(agreeing)
        if is_own:
            return Source(default)
        other = evidence[namespace]
        name = _name_of(namespace, other.source)
        return Source(
            name,
            f"{other.figures} with the same ids are those of the catalogue {name!r}: this is an "
            f"update of it. If it is another one: --source {_quoted(default)}",
        )
    if mine is None:
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


def _gather(session: Session, rows: Sequence[CatalogueRow]) -> dict[str, _Evidence]:
    """Compare the rows that have an own id with the stored tracks of that id, by namespace."""
    by_id: dict[str, CatalogueRow] = {}
    for row in rows:
        if row.source_key.startswith(f"{CATALOGUE_ID}:") and len(by_id) < SAMPLE:
            by_id.setdefault(plain_id(row.fields["external_id"]), row)
    evidence: dict[str, _Evidence] = {}
    for stored in catalogue_ids.with_ids(session, by_id):
        counts = evidence.setdefault(stored.namespace, _Evidence(stored.source))
        row = by_id[stored.id]
        title = row.fields["title"] if row.is_titled else ""
        names = compare_names(title, row.fields["artists"], stored.title, stored.artists)
        counts.compared += 1
        counts.same += names.agrees
        counts.retitled += names.is_retitled
        counts.contradicting += names.contradicts
        if names.title is None:
            counts.changed += same_values(row.attributes, stored.values) is False
    return evidence


def _check_nameless(session: Session, default: str, rows: Sequence[CatalogueRow]) -> None:
    """Raise if most rows are known by their values, and they are not those stored before."""
    keys = [row.source_key for row in rows if row.source_key.startswith(f"{VALUES}:")]
    if 2 * len(keys) <= len(rows):
        return
    stored = catalogue_ids.count_by_values(session, default)
    known = len(track_aliases.tracks_by_key(session, keys)) if stored else 0
    if 2 * known < min(stored, len(keys)):
        raise BadInput(
            f"its rows have neither ids nor artists and titles, so values identify them, and only "
            f"{known:,} of {len(keys):,} are in the catalogue {default!r} ({stored:,} songs). More "
            f"songs for it: --source {_quoted(default)}. Another catalogue: --source OTHER. The "
            "same songs with new values: they need a column of ids or names."
        )


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
