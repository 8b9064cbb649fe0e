"""The caller's mixes."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.exceptions import NotFound

from songrec.services.recommendation import mix_pages
from songrec.services.recommendation.mix_pages import MixCard
from songrec.store.db import now
from songrec.store.instance import current_instance
from songrec.web.api import blueprint, schemas, serializers
from songrec.web.api.account import TOKEN
from songrec.web.api.authentication import identified_listener


@blueprint.get("/mixes", tags=["recommendations"])
@blueprint.response(200, schemas.MixesSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.doc(security=TOKEN)
def mix_list() -> dict[str, Any]:
    """List your mixes; if none is stored, previews of the default ones (from five likes on)."""
    overview = mix_pages.mix_overview(current_instance(), identified_listener(), now())
    return {"items": [_summary(card) for card in overview.cards]}


@blueprint.get("/mixes/<mix_id>", tags=["recommendations"])
@blueprint.response(200, schemas.MixSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def mix(mix_id: str) -> dict[str, Any]:
    """Get a mix of yours with its songs and their reasons."""
    page = mix_pages.mix_page(current_instance(), identified_listener(), mix_id, now())
    if page is None:
        raise NotFound("No such mix, or it is not yours.")
    listed = zip(serializers.tracks([song.track for song in page.songs]), page.songs, strict=True)
    songs = [
        {"track_id": song.track.public_id, "track": track, "why": song.sentence}
        for track, song in listed
    ]
    return {**_summary(page.card), "items": songs}


def _summary(card: MixCard) -> dict[str, Any]:
    return {**card.summary(), "address": url_for("mixes.show", key=card.key)}
