"""The caller's rules for recommendations."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import NotFound

from songrec.store.db import db
from songrec.store.listeners import recommendation_rules
from songrec.store.tables import RecommendationRule
from songrec.web.api import arguments, blueprint, schemas
from songrec.web.api.account import TOKEN
from songrec.web.api.authentication import identified_listener, require_listener


@blueprint.get("/rules", tags=["likes"])
@blueprint.response(200, schemas.RulesSchema)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.doc(security=TOKEN)
def rules() -> dict[str, Any]:
    """List your rules, newest first."""
    mine = recommendation_rules.of_listener(db.session, identified_listener())
    return {"items": [_rule(one) for one in mine]}


@blueprint.post("/rules", tags=["likes"])
@blueprint.arguments(arguments.RuleArguments)
@blueprint.response(201, schemas.RuleSchema)
@blueprint.alt_response(400, "BAD_REQUEST")
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def add_rule(args: dict[str, Any]) -> dict[str, Any]:
    """Exclude an artist, album, genre or folder, or allow songs that are excluded by default."""
    value = args["value"].replace("\0", "")
    listener = require_listener()
    try:
        target = recommendation_rules.find_target(db.session, args["kind"], value)
    except recommendation_rules.UnknownTarget as error:
        raise NotFound(str(error)) from None
    rule = recommendation_rules.add(db.session, listener, target)
    db.session.commit()
    return _rule(rule)


@blueprint.delete("/rules/<int:rule_id>", tags=["likes"])
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def remove_rule(rule_id: int) -> None:
    """Delete a rule."""
    if recommendation_rules.remove(db.session, require_listener(), rule_id) is None:
        raise NotFound("No such rule, or it is not yours.")
    db.session.commit()


def _rule(rule: RecommendationRule) -> dict[str, Any]:
    names = ("id", "kind", "label", "created_at")
    return {name: getattr(rule, name) for name in names}
