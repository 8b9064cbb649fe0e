"""Values of an upload's page: attributes, place on the map, tags, similar songs."""

from __future__ import annotations

from typing import Any

from flask import url_for

from songrec.core.attributes import ATTRIBUTES, format_attribute, key_name
from songrec.core.errors import NotReady
from songrec.services.similarity.ranked_tracks import restore_ranked
from songrec.services.uploads.library_match import library_match
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs, spaces
from songrec.store.tables import Job, Track, Upload
from songrec.web import cached_counts, charts, player
from songrec.web.current_listener import current_reactions

SHOWN = 10


def values(upload: Upload, job: Job | None) -> dict[str, Any]:
    """Return the values that ``upload/show.html`` shows of an analysed upload."""
    result: dict[str, Any] = upload.result or {}
    run = runs.published(db.session)
    clusters = cached_counts.clusters(db.session, run)
    # Cluster numbers and coordinates are those of the run that it was placed in.
    place = (
        result["place"] if run and (result["place"] or {}).get("run_id") == run.public_id else None
    )
    try:
        space = spaces.published_space(current_instance())
    except NotReady:
        space = None
    match = None if upload.track_id else library_match(db.session, result)
    already = {track.public_id for track in match.tracks} if match and match.same_file else set()
    similar = restore_ranked(db.session, result["similar"][: SHOWN + len(already)])
    return {
        "upload": upload,
        "result": result,
        "keeping": job if job is not None and job.kind == "keep" else None,
        "track": db.session.get(Track, upload.track_id) if upload.track_id else None,
        "match": match,
        "only_measured": place is not None and _is_only_measured(place, result["attributes"]),
        "clusters": clusters,
        "cluster": clusters.get(place["cluster"]) if place else None,
        "place": charts.place_on_map(space, place["x"], place["y"], place["cluster"])
        if place and space
        else None,
        "stale": bool(result["place"]) and place is None,
        "rows": _rows(result["attributes"], space),
        "tags": _tag_rows(result["tags"]),
        "similar": [one for one in similar if one.track.public_id not in already][:SHOWN],
        "song": {
            "id": f"upload-{upload.public_id}",
            "title": result["title"],
            "artists": result["artists"] or "Your upload",
            "address": url_for("upload.show", public_id=upload.public_id),
            "media": url_for("upload.media", public_id=upload.public_id),
            "type": player.full_type(result["codec"], result["container"]),
            "transcoded": url_for("upload.transcoded", public_id=upload.public_id),
            "waveform": url_for("upload.waveform", public_id=upload.public_id),
            "cover": None,
            "duration_s": result["seconds"],
        },
        "reactions": current_reactions(),
    }


def _rows(attributes: dict[str, Any], space: Any) -> list[dict[str, str]]:
    """Return the attributes as rows: label, value, rank among all songs in words, source."""
    rows = []
    for attribute in ATTRIBUTES:
        stated = attributes.get(attribute.name)
        if stated is not None:
            percentile = (
                charts.catalogue_percentile(
                    space, attribute.name, stated["value"], measured=stated["source"] == "measured"
                )
                if space
                else None
            )
            rows.append(
                {
                    "label": attribute.label,
                    "value": format_attribute(
                        attribute.name, stated["value"], measured=stated["source"] == "measured"
                    ),
                    "words": charts.words_for(attribute.name, percentile),
                    "source": charts.SOURCES.get(stated["source"], stated["source"]),
                }
            )
    if "key" in attributes:
        mode = attributes.get("mode", {}).get("value")
        rows.append(
            {
                "label": "Key",
                "value": key_name(
                    int(attributes["key"]["value"]), None if mode is None else int(mode)
                ),
                "words": "",
                "source": charts.SOURCES[attributes["key"]["source"]],
            }
        )
    return rows


def _is_only_measured(place: Any, attributes: dict[str, Any]) -> bool:
    """Return whether nothing but loudness, tempo and key is known of a song."""
    sources = {stated["source"] for stated in attributes.values()}
    return bool(place["guessed"]) and sources <= {"measured"}


def _tag_rows(tags: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return tags over time as a heat map: a row per tag, a shade from 0 to 1 per patch."""
    if not tags or not tags["times_s"]:
        return None
    return {
        "from": tags["times_s"][0],
        "to": tags["times_s"][-1] + tags["length_s"],
        "patches": len(tags["times_s"]),
        "rows": tags["tags"],
    }
