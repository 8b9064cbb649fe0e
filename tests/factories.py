"""One small factory per table: rows with sensible values, flushed, never committed."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.artist_credits import ArtistField
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.store import jobs
from songrec.store.catalogue.artists import CreditWriter, TrackNames
from songrec.store.tables import Tag, Track, TrackAttributes, TrackTag

_numbers = itertools.count(1)

TYPICAL = {
    "variance": 1.0,
    "tempo": 120.0,
    "loudness": -8.0,
    "explicit": 0.0,
    "popularity": 50.0,
    "energy": 0.6,
    "danceability": 0.6,
    "positiveness": 0.5,
    "speechiness": 0.05,
    "liveness": 0.15,
    "acousticness": 0.3,
    "instrumentalness": 0.0,
}


def make_track(session: Session, title: str | None = None, **values: Any) -> Track:
    """A track; keywords named like an attribute set it.

    ``genres``, ``emotions`` and ``tags`` tag it; others set columns.
    """
    number = next(_numbers)
    names_of = {kind: values.pop(f"{kind}s", ()) for kind in ("genre", "emotion", "tag")}
    attributes = {name: values.pop(name, TYPICAL[name]) for name in ATTRIBUTE_NAMES}
    title = title or f"Song {number}"
    fields = {
        "public_id": f"t{number:07d}",
        "source_key": f"test:{number}",
        "source": "test",
        "fingerprint": str(number),
        "song_key": number,
        "artists": f"Artist {number}",
    }
    album = values.pop("album", None)
    fields |= values
    names = TrackNames(ArtistField.from_text(fields["artists"]), album, year=values.get("year"))
    writer = CreditWriter(session)
    writer.meet([names])
    track = Track(title=title, album_id=writer.album_id(names), **fields)
    track.attributes = TrackAttributes(**attributes)
    session.add(track)
    session.flush()
    writer.write([(track.id, names.artists.certain_credits)], fresh=True)
    for kind, name in ((kind, one) for kind, names in names_of.items() for one in names):
        tag = session.query(Tag).filter_by(kind=kind, name=name).one_or_none()
        if tag is None:
            tag = Tag(kind=kind, name=name)
            session.add(tag)
            session.flush()
        session.add(TrackTag(track_id=track.id, tag_id=tag.id))
    session.flush()
    return track


def waiting_ids(session: Session) -> list[int]:
    """Return the ids of the jobs that wait, oldest first."""
    return [job.id for job in jobs.active(session) if job.state == "waiting"]
