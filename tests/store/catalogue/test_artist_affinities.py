"""Stored affinities: written, replaced, read back, removed; on both databases."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy.orm import Session

from songrec.core.artist_affinities import (
    COUNTS,
    SIMILAR,
    AffinityCollector,
    ArtistAffinities,
    NamedArtist,
)
from songrec.core.errors import UnknownName
from songrec.store.catalogue import artist_affinities
from songrec.store.tables import NamedArtist as NamedArtistRow

Entries = dict[tuple[str, str], float]


def affinities(kind: str, entries: Entries) -> ArtistAffinities:
    collector = AffinityCollector(kind)
    for (group, name), weight in entries.items():
        collector.add(group, NamedArtist(name, f"id of {name}"), weight)
    return collector.affinities()


def entries_of(found: ArtistAffinities) -> Entries:
    return {
        (found.group_names[group], found.artists[column].name): weight
        for group, column, weight in zip(
            found.groups.tolist(), found.columns.tolist(), found.weights.tolist(), strict=True
        )
    }


def test_a_source_is_read_back_and_replaced_by_the_next_of_its_name(session: Session) -> None:
    first = {("ann", "Björk"): 3.0, ("ann", "Low"): 1.0, ("bob", "Low"): 2.5}
    artist_affinities.write(session, "counts.csv", affinities(COUNTS, first))
    similar = {("cure", "Low"): 0.5, ("cure", "Wire"): 0.25}
    artist_affinities.write(session, "similar.csv", affinities(SIMILAR, similar))
    counts, others = artist_affinities.read(session)
    # Listeners' names are not stored.
    numbered = {("0", "Björk"): 3.0, ("0", "Low"): 1.0, ("1", "Low"): 2.5}
    assert entries_of(counts) == numbered
    assert counts.artists[0].musicbrainz_id == "id of Björk"
    assert (others.kind, entries_of(others)) == (SIMILAR, similar)
    artist_affinities.write(session, "counts.csv", affinities(COUNTS, {("x", "Wire"): 1.0}))
    assert entries_of(artist_affinities.read(session)[0]) == {("0", "Wire"): 1.0}
    keys = {row.key for row in session.query(NamedArtistRow)}
    assert keys == {"wire", "low", "cure"}  # Björk is named by nobody any more


def test_similar_artists_are_added_artist_by_artist(session: Session) -> None:
    for entries in (
        {("cure", "Low"): 0.5, ("cure", "Wire"): 0.1},
        {("low", "The Cure"): 2.0},
        {("cure", "Can"): 0.7},
    ):
        artist_affinities.write(session, "lb", affinities(SIMILAR, entries), replace=False)
    (found,) = artist_affinities.read(session)
    assert entries_of(found) == {("low", "The Cure"): 2.0, ("cure", "Can"): pytest.approx(0.7)}
    assert artist_affinities.group_keys(session, "lb") == {"cure", "low"}
    assert artist_affinities.group_keys(session, "other") == set()


def test_sources_are_listed_and_removed(session: Session) -> None:
    entries = {("ann", "Björk"): 3.0, ("ann", "Low"): 1.0, ("bob", "Low"): 2.5}
    artist_affinities.write(session, "counts.csv", affinities(COUNTS, entries))
    (source,) = artist_affinities.sources(session)
    assert (source.name, source.kind, source.groups, source.artists, source.weights) == (
        "counts.csv",
        COUNTS,
        2,
        2,
        3,
    )
    with pytest.raises(UnknownName, match=r"counts\.csv"):
        artist_affinities.remove(session, "count.csv")
    artist_affinities.remove(session, "counts.csv")
    assert artist_affinities.sources(session) == artist_affinities.read(session) == []
    assert session.query(NamedArtistRow).count() == 0


def test_many_weights(session: Session) -> None:
    rng = np.random.default_rng(0)
    entries = {
        (str(rng.integers(60)), f"Artist {rng.integers(1500)}"): float(rng.integers(1, 99))
        for _ in range(4000)
    }
    artist_affinities.write(session, "many", affinities(COUNTS, entries))
    (found,) = artist_affinities.read(session)
    assert sorted(found.weights.tolist()) == sorted(entries.values())
    assert len(found.artists) == len({name for _, name in entries})
