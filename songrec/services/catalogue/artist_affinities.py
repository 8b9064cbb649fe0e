"""Import of listening counts and similar artists, from files and from ListenBrainz."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.catalogue_files.artist_affinities import read_affinities
from songrec.catalogue_files.rejects import Reject
from songrec.core.artist_affinities import SIMILAR, AffinityCollector, ArtistAffinities, NamedArtist
from songrec.core.errors import NotReady
from songrec.core.types import Progress, no_progress
from songrec.services.catalogue import listenbrainz
from songrec.store.catalogue import artist_affinities
from songrec.store.tables import TrackArtist

LISTENBRAINZ = "listenbrainz"
"""Name of the source of ListenBrainz's data."""
MOST_REJECTS = 20
"""Rows left out that a report lists."""


@dataclass(frozen=True)
class AffinityReport:
    """What an import stored.

    ``groups`` are listeners, or artists that similar ones are known of; ``artists`` the artists
    that the source names, ``matched`` those of the catalogue's ``catalogue_artists`` that it names.
    """

    source: str
    kind: str
    rows: int
    groups: int
    artists: int
    matched: int
    catalogue_artists: int
    n_rejects: int
    rejects: tuple[Reject, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``--json``."""
        values = {name: value for name, value in vars(self).items() if name != "rejects"}
        return {**values, "rejects": [reject.to_json() for reject in self.rejects]}


def import_file(
    session: Session,
    path: Path,
    *,
    name: str | None = None,
    on_progress: Progress = no_progress,
) -> AffinityReport:
    """Import a file or a folder, replacing the source of this name; the caller commits.

    ``name`` is by default that of the file. Raises ``BadInput`` for an unreadable file.
    """
    file = read_affinities(path, on_progress)
    source = name or path.resolve().name
    artist_affinities.write(session, source, file.affinities)
    return _report(session, source, file.affinities, file.n_rows, file.rejects)


def fetch_similar(
    session: Session,
    client: listenbrainz.Client,
    *,
    most: int,
    on_progress: Progress = no_progress,
) -> AffinityReport:
    """Fetch similar artists of the catalogue's artists from ListenBrainz; **commits** each batch.

    At most ``most`` artists are fetched, those with the most tracks first; artists fetched before
    are left out, so that the next call continues. Raises ``NotReady`` if no artist has a
    MusicBrainz id, if all were fetched, or if the service cannot be reached.
    """
    artists = artist_affinities.catalogue_artists(session)
    with_id = {artist_id: one for artist_id, one in artists if one.musicbrainz_id}
    if not with_id:
        raise NotReady(
            "No artist of the catalogue has a MusicBrainz id, by which ListenBrainz knows artists. "
            "Analyse files whose tags have them, or import a file: flask artists import FILE"
        )
    fetched = artist_affinities.group_keys(session, LISTENBRAINZ)
    counts = select(TrackArtist.artist_id, func.count()).group_by(TrackArtist.artist_id)
    tracks: dict[int, int] = dict(session.execute(counts).all())
    left = sorted(
        (artist_id for artist_id, one in with_id.items() if one.key not in fetched),
        key=lambda artist_id: (-tracks.get(artist_id, 0), artist_id),
    )[:most]
    if not left:
        raise NotReady("Similar artists of all artists with a MusicBrainz id were fetched before.")
    collector = AffinityCollector(SIMILAR)
    n_rows = 0
    for start in range(0, len(left), listenbrainz.BATCH):
        batch = [with_id[artist_id] for artist_id in left[start : start + listenbrainz.BATCH]]
        on_progress(start / len(left), f"Asking ListenBrainz about {batch[0].name}")
        of_batch = AffinityCollector(SIMILAR)
        for row in client.similar_artists([one.musicbrainz_id or "" for one in batch]):
            reference = next(one for one in batch if one.musicbrainz_id == row.reference_id)
            other = NamedArtist(row.name, row.musicbrainz_id)
            if other.key:
                n_rows += 1
                of_batch.add(reference.key, other, row.score)
                collector.add(reference.key, other, row.score)
        if of_batch.affinities().group_names:
            artist_affinities.write(session, LISTENBRAINZ, of_batch.affinities(), replace=False)
            session.commit()
    on_progress(1.0, "Fetched")
    return _report(session, LISTENBRAINZ, collector.affinities(), n_rows, ())


def _report(
    session: Session,
    source: str,
    affinities: ArtistAffinities,
    n_rows: int,
    rejects: tuple[Reject, ...],
) -> AffinityReport:
    keys = {artist.key for artist in affinities.artists}
    ids = {artist.musicbrainz_id for artist in affinities.artists} - {None}
    if affinities.kind == SIMILAR:
        keys |= set(affinities.group_names)
    catalogue = artist_affinities.catalogue_artists(session)
    matched = sum(one.key in keys or one.musicbrainz_id in ids for _, one in catalogue)
    return AffinityReport(
        source,
        affinities.kind,
        n_rows,
        len(affinities.group_names),
        len(affinities.artists),
        matched,
        len(catalogue),
        len(rejects),
        rejects[:MOST_REJECTS],
    )
