"""Songs for what somebody likes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from songrec.services.recommendation import for_listener, recommend
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.options import DEFAULT_RERANKING, Reranking
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web.api import arguments, blueprint, schemas, serializers
from songrec.web.api.authentication import identified_listener
from songrec.web.api.catalogue import track_or_404


@blueprint.get("/recommendations", tags=["recommendations"])
@blueprint.arguments(arguments.RecommendationArguments, location="query")
@blueprint.response(200, schemas.RecommendationsSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(503, "SERVICE_UNAVAILABLE")
@blueprint.doc(security=[{}, {"token": []}, {"cookie": []}])
def recommendations(args: dict[str, Any]) -> dict[str, Any]:
    """List recommendations from your likes, each with its reasons.

    With `like` (repeat it for several songs) they are for those songs, and no token is needed.
    Without, they are for your own likes, and there are none while you like nothing. `method` of the
    answer says which method it was.
    """
    if args.get("like"):
        likes = [track_or_404(name).id for name in args["like"]]
        dislikes = [track_or_404(name).id for name in args.get("dislike", [])]
        feedback = ListenerFeedback(likes, [one for one in dislikes if one not in likes])
    else:
        feedback = ListenerFeedback.load(db.session, identified_listener())
    method = args["method"]
    if not feedback.likes:
        return {"items": [], "method": None}
    reranking = {field.name: args[field.name] for field in fields(Reranking) if field.name in args}
    ranked = for_listener.recommend_for_listener(
        current_instance(),
        feedback,
        method=method,
        by=replace(DEFAULT_RERANKING, **reranking),
        n=args["n"],
    )
    used = recommend.method_used(current_instance(), method)
    return {**serializers.matches(ranked), "method": used}
