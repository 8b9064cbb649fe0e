"""Removal of songs by admins."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import Forbidden

from songrec.services.library.remove_track import remove_track as remove
from songrec.store.instance import current_instance
from songrec.web import library_updates
from songrec.web.api import arguments, blueprint
from songrec.web.api.account import TOKEN
from songrec.web.api.authentication import caller, require_user
from songrec.web.api.catalogue import track_or_404


@blueprint.delete("/tracks/<track_id>", tags=["tracks"])
@blueprint.arguments(arguments.RemoveTrackArguments, location="query")
@blueprint.response(204)
@blueprint.alt_response(401, "UNAUTHORIZED")
@blueprint.alt_response(403, "FORBIDDEN")
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(security=TOKEN)
def remove_track(args: dict[str, Any], track_id: str) -> None:
    """Remove a song from the library, with its file if it was uploaded; for admins."""
    require_user()
    if not caller().is_admin:
        raise Forbidden("Only an admin may remove songs.")
    view = track_or_404(track_id)
    remove(current_instance(), view.id, delete_files=args["files"])
    library_updates.queue_refresh()
