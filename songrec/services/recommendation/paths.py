"""Song paths: the catalogue's songs between two of them, in even steps."""

from __future__ import annotations

from collections.abc import Sequence

from songrec.recommend import ranking
from songrec.recommend.lists import paths
from songrec.services.catalogue.left_out import left_out
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.services.similarity.audio_similarity import HasId
from songrec.services.similarity.ranked_tracks import RankedTrack, attach_tracks
from songrec.store.instance import Instance
from songrec.store.listeners import reactions
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener


def song_path(
    instance: Instance,
    start: HasId,
    end: HasId,
    between: int,
    listener: Listener | None = None,
    *,
    withdrawn: Sequence[int] = (),
) -> tuple[list[RankedTrack], paths.SongPath]:
    """Return the songs from ``start`` to ``end`` over ``between`` others, and the path itself.

    Songs that ``listener`` dislikes are left out, unless the path starts or ends with them.
    ``withdrawn`` are further tracks (ids) to leave out.
    """
    space = published_space(instance)
    disliked = reactions.dislikes(instance.session, listener)
    path = paths.find_path(
        ranking.create_method(space),
        space,
        start.id,
        end.id,
        between,
        excluded=[one for one in disliked if one not in (start.id, end.id)],
        withdrawn=[*left_out(instance, listener, [start.id, end.id]), *withdrawn],
    )
    matches = paths.describe_path(space, path, title_lookup(instance.session))
    return attach_tracks(instance.session, matches, paths.describe_match), path
