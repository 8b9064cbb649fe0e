"""Blends: songs like some songs and unlike others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Reason
from songrec.recommend.lists.rerank import MAX_PER_ARTIST, Reranking
from songrec.recommend.query import NOT_IN_RUN
from songrec.services.recommendation.recommend import recommend_for
from songrec.services.similarity.ranked_tracks import RankedTrack
from songrec.store.instance import Instance
from songrec.store.listeners import reactions
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Listener

BLENDED = Reranking(per_artist=MAX_PER_ARTIST)
"""Reranking of a blend, without diversification: its songs are a single taste."""


def blend(
    instance: Instance,
    plus: Sequence[int],
    minus: Sequence[int],
    n: int,
    listener: Listener | None = None,
) -> list[RankedTrack]:
    """Return the ``n`` songs most like ``plus`` and unlike ``minus``.

    The songs ``plus`` (track ids) are the likes of a single taste, ``minus`` its dislikes.
    ``per_like`` splits each score over the songs of the blend. The rules of ``listener`` apply, and
    what it dislikes is left out.

    Raises
    ------
    BadInput
        If ``plus`` is empty, or if ``minus`` contains all of it.
    NotReady
        If a song is not in the published run.
    """
    if not plus:
        raise BadInput("A blend needs at least one song to begin with.")
    if not set(plus) - set(minus):
        raise BadInput("These songs cancel each other out: nothing is left to look for.")
    together = list(dict.fromkeys([*plus, *minus]))
    if len(published_space(instance).rows_of(together)) < len(together):
        raise NotReady(NOT_IN_RUN)
    ranked = recommend_for(
        instance,
        plus,
        minus,
        n=n,
        by=BLENDED,
        excluded=reactions.dislikes(instance.session, listener),
        seeds=True,
        listener=listener,
    )
    return [
        replace(
            one,
            reasons=tuple(map(_name_role, one.reasons)),
            per_like=tuple(map(_name_role, one.per_like)),
        )
        for one in ranked
    ]


def _name_role(reason: Reason) -> Reason:
    """Word the reason of a subtracted song as "taken out", not as "disliked"."""
    if reason.kind == "liked":
        return replace(reason, kind="added")
    if reason.kind != "disliked":
        return reason
    words = ", which you dislike", ", which you took out"
    if reason.about is None:  # several songs are one reason
        words = "songs you dislike", "songs you took out"
    details = {
        name: value.replace(*words) if isinstance(value, str) else value
        for name, value in reason.details.items()
    }
    return replace(reason, kind="subtracted", text=reason.text.replace(*words), details=details)
