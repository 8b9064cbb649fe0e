"""Similar songs by any feature set of the sound, without training: matrices and what they tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady, UnknownName
from songrec.core.types import Progress, no_progress
from songrec.features.registry import EXTRACTORS
from songrec.recommend.similarity import content_similarity
from songrec.services.features import feature_sets
from songrec.services.recommendation import recommend
from songrec.services.recommendation.recommend import SIDES, Recommendation
from songrec.store.bulk import chunks
from songrec.store.catalogue import merge_redirects
from songrec.store.catalogue.tracks import TrackView
from songrec.store.sound import feature_cache, feature_matrices
from songrec.store.sound.feature_matrices import Sounding
from songrec.store.tables import Track

# A picture of the sound is no vector to compare by.
SETS = tuple(
    name
    for name in EXTRACTORS.names()
    if name not in feature_sets.FROM_LABELS and name != "melspectrogram"
)
"""The feature sets that songs can be compared by."""
WAYS = (*SIDES, *SETS)
"""By what two tracks can be compared; see ``similar_by``."""
# A pitch class is a name, not an amount: 11 is next to 0. The chroma columns carry the harmony.
_NO_AMOUNT = {"statistical": ("key",)}


def refresh_matrices(
    session: Session, instance: Path, on_progress: Progress = no_progress
) -> dict[str, bool]:
    """Write the matrix of every feature set that changed; which were written, by name.

    Of each set the vectors of the settings that most tracks were analysed with.
    """
    present = [name for name in SETS if name in feature_cache.names(session)]
    written = {}
    for done, name in enumerate(present):

        def report(share: float, name: str = name, done: int = done) -> None:
            on_progress((done + share) / len(present), f"Putting {name} side by side.")

        key = feature_sets.commonest(session, name)
        written[name] = feature_matrices.refresh(
            instance,
            key,
            _tracks(session, feature_cache.hashes_of_tracks(session, [key])),
            leave_out=_NO_AMOUNT.get(name, ()),
            on_share=report,
        )
    return written


def _tracks(session: Session, hashes: Mapping[int, str]) -> list[Sounding]:
    keys: dict[int, int] = {}
    ids = sorted(hashes)
    for part in chunks(ids):
        query = select(Track.id, Track.song_key).where(Track.id.in_(part))
        keys.update(session.execute(query).all())
    return [Sounding(i, keys[i], hashes[i]) for i in ids if i in keys]


def available_feature_sets(instance: Path) -> dict[str, str]:
    """The feature sets that songs can be compared by now, and what they are called."""
    there = feature_matrices.names(instance)
    return {name: EXTRACTORS.entry(name).label for name in SETS if name in there}


def similar_by(
    session: Session,
    instance: Path,
    track: TrackView,
    n: int = 8,
    *,
    by: str = WAYS[0],
    weights: Mapping[str, float] | None = None,
) -> list[Recommendation]:
    """The ``n`` tracks most like ``track`` by one of ``WAYS``.

    Those of ``SIDES`` are ``recommending.similar_by``'s; a feature set is the cosine over its
    standardised columns, of whatever tracks have it, in a run or not. Raises ``UnknownName`` for
    any other way and ``NotReady`` where a song has no sound or no matrix was written.
    """
    if by not in WAYS:
        raise UnknownName("way to compare", by, WAYS)
    if by in SIDES:
        return recommend.similar_by(session, instance, track, n, by=by, weights=weights)
    if feature_cache.hash_of_track(session, track.id) is None:
        raise NotReady(f"“{track.title}” has no sound file here, so nothing is told by {by}.")
    sound = feature_matrices.load(instance, by)
    label = EXTRACTORS.entry(by).label
    try:
        found = content_similarity.nearest_by_features(
            sound, track.id, n, label=label, heard=merge_redirects.ids(session)
        )
    except NotReady:
        raise NotReady(
            f"“{track.title}” was not analysed by {by} as the other songs were: flask analyze "
            f"DIR --features {by}"
        ) from None
    return recommend.named(session, found, content_similarity.describe_match)
