"""Who may do what: every route, as anybody, as a listener and as an admin, against one table.

A route without a row here fails the tests: decide who may use it, then add the row.
"""

from __future__ import annotations

import importlib.metadata
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from songrec.store import jobs
from songrec.store.listeners import api_tokens, invitations, user_sessions, users
from songrec.store.tables import Album, Artist, Listener, Playlist, Track, Upload, UserSession
from songrec.web.map.payloads import plotly_version
from tests.planted_run import plant

PASSWORD = "correct horse battery"
ROLES = ("anonymous", "user", "admin")

# endpoint, method: the address, and the status as anybody, as a listener, as an admin. There is a
# published run, a playlist of somebody else's (404) and a job that waits. 303 as anybody on an
# admin's page leads to signing in.
OPEN, HIDDEN, SIGN_IN = (200, 200, 200), (404, 404, 404), (303, 303, 303)
TABLE: dict[tuple[str, str], tuple[str, tuple[int, int, int]]] = {
    ("pages.home", "GET"): ("/", OPEN),
    ("pages.progress", "GET"): ("/progress", OPEN),
    ("pages.cluster", "GET"): ("/clusters/0", OPEN),
    ("pages.tracks", "GET"): ("/tracks", OPEN),
    ("pages.track", "GET"): ("/tracks/{track}", OPEN),
    ("pages.elsewhere", "GET"): ("/tracks/{track}/elsewhere", (302, 302, 302)),
    ("pages.artist", "GET"): ("/artists/{artist}", OPEN),
    ("pages.undo_artist_likes", "POST"): ("/artists/{artist}/likes/undo", (400, 400, 400)),
    ("pages.album", "GET"): ("/albums/{album}", OPEN),
    ("pages.undo_album_likes", "POST"): ("/albums/{album}/likes/undo", (400, 400, 400)),
    ("covers.song", "GET"): ("/covers/songs/{track}", OPEN),
    ("covers.album", "GET"): ("/covers/albums/{album}", OPEN),
    ("covers.drawn", "GET"): ("/covers/drawn/x", OPEN),
    ("covers.group", "GET"): ("/covers/groups/0", OPEN),
    ("installation.manifest", "GET"): ("/manifest.webmanifest", OPEN),
    ("installation.icon", "GET"): ("/icons/192.png", OPEN),
    ("fonts.font", "GET"): ("/assets/fonts/nothing.woff2", HIDDEN),
    ("search.suggestions", "GET"): ("/search/suggestions?q=a", OPEN),
    ("map.page", "GET"): ("/map", OPEN),
    ("map.drawing", "GET"): ("/map/drawing", OPEN),
    ("installation.offline", "GET"): ("/offline", OPEN),
    ("installation.service_worker", "GET"): ("/service-worker.js", OPEN),
    ("map.points", "GET"): ("/map/points", OPEN),
    ("map.titles", "GET"): ("/map/titles?rows=0", OPEN),
    ("map.cells", "GET"): ("/map/cells?view=0,9,0,9&cells=2,2", OPEN),
    ("map.legend", "GET"): ("/map/legend", OPEN),
    ("map.view_names", "GET"): ("/map/names?view=0,9,0,9&size=99,99", OPEN),
    ("map.inside", "GET"): ("/map/inside?shape=0,0,9,0,9,9", OPEN),
    ("map.path", "GET"): ("/map/path?from=x&to=y", (404, 404, 404)),
    ("map.search", "GET"): ("/map/search?q=a", OPEN),
    ("map.mine", "GET"): ("/map/mine", OPEN),
    ("map.like_all", "POST"): ("/map/likes", (409, 409, 409)),
    ("mood.page", "GET"): ("/mood", OPEN),
    ("words.page", "GET"): ("/words", OPEN),
    ("likes.page", "GET"): ("/likes", OPEN),
    ("likes.react", "POST"): ("/tracks/{track}/reaction?value=like", (400, 400, 400)),
    ("recommendations.page", "GET"): ("/recommendations", OPEN),
    ("playlists.index", "GET"): ("/playlists", OPEN),
    ("playlists.create", "POST"): ("/playlists", (400, 400, 400)),
    ("playlists.show", "GET"): ("/playlists/{playlist}", HIDDEN),
    ("playlists.export", "GET"): ("/playlists/{playlist}.csv", HIDDEN),
    ("playlists.rename", "POST"): ("/playlists/{playlist}/details", HIDDEN),
    ("playlists.delete", "POST"): ("/playlists/{playlist}/delete", HIDDEN),
    ("playlists.add", "POST"): ("/playlists/{playlist}/tracks", HIDDEN),
    ("playlists.change", "POST"): ("/playlists/{playlist}/tracks/{track}", HIDDEN),
    ("playlists.duplicate", "POST"): ("/playlists/{playlist}/copy", HIDDEN),
    ("playlists.create_share_key", "POST"): ("/playlists/{playlist}/share-link", HIDDEN),
    ("playlists.revoke_share_key", "POST"): ("/playlists/{playlist}/share-link/revoke", HIDDEN),
    ("shared_playlists.show", "GET"): ("/playlists/shared/{playlist}/key", HIDDEN),
    ("shared_playlists.queue", "GET"): ("/playlists/shared/{playlist}/key/queue", HIDDEN),
    ("shared_playlists.media", "GET"): ("/playlists/shared/{playlist}/key/tracks/x/sound", HIDDEN),
    ("shared_playlists.transcoded", "GET"): (
        "/playlists/shared/{playlist}/key/tracks/x/transcoded",
        HIDDEN,
    ),
    ("suggest.choices", "GET"): ("/suggest?q=a", OPEN),
    ("mixes.index", "GET"): ("/mixes", OPEN),
    ("mixes.renew", "POST"): ("/mixes/renewal", (400, 400, 400)),
    ("mixes.create", "POST"): ("/mixes", (400, 400, 400)),
    ("mixes.show", "GET"): ("/mixes/daily-1", HIDDEN),
    ("mixes.queue", "GET"): ("/mixes/daily-1/queue", HIDDEN),
    ("mixes.make", "POST"): ("/mixes/x/make", HIDDEN),
    ("mixes.change", "POST"): ("/mixes/x/settings", HIDDEN),
    ("mixes.delete", "POST"): ("/mixes/x/delete", HIDDEN),
    ("mixes.undo_removal", "POST"): ("/mixes/servers/x/undo", HIDDEN),
    ("playlists.create_stream_key", "POST"): ("/playlists/{playlist}/stream-key", HIDDEN),
    ("playlists.revoke_stream_key", "POST"): ("/playlists/{playlist}/stream-key/revoke", HIDDEN),
    ("upload.index", "GET"): ("/upload", OPEN),
    ("upload.create", "POST"): ("/upload", SIGN_IN),
    ("upload.show", "GET"): ("/upload/{upload}", (404, 404, 200)),
    ("upload.state", "GET"): ("/upload/{upload}/state", (404, 404, 200)),
    ("upload.media", "GET"): ("/upload/{upload}/media", (404, 404, 404)),
    ("upload.transcoded", "GET"): ("/upload/{upload}/transcoded", (404, 404, 404)),
    ("upload.waveform", "GET"): ("/upload/{upload}/waveform", (404, 404, 404)),
    ("upload.keep", "POST"): ("/upload/{upload}/keep", (303, 404, 303)),
    ("api.upload", "GET"): ("/api/v1/uploads/{upload}", (404, 404, 200)),
    ("api.from_audio", "POST"): ("/api/v1/recommend/from-audio", (422, 422, 422)),
    ("api_aliases.from_audio", "POST"): ("/recommend/from-audio", (422, 422, 422)),
    ("api.delete_upload", "DELETE"): ("/api/v1/uploads/{upload}", (404, 404, 204)),
    ("upload.delete", "POST"): ("/upload/{upload}/delete", HIDDEN),
    ("auth.sign_in", "GET"): ("/sign-in", (200, 303, 303)),
    ("auth.sign_in", "POST"): ("/sign-in", (400, 303, 303)),
    ("auth.sign_up", "GET"): ("/sign-up", (200, 303, 303)),
    ("auth.sign_up", "POST"): ("/sign-up", (400, 303, 303)),
    ("auth.account", "GET"): ("/account", (303, 200, 200)),
    ("auth.change_password", "POST"): ("/account/password", (303, 400, 400)),
    ("auth.share_playlists", "POST"): ("/account/sharing", SIGN_IN),
    ("auth.delete", "POST"): ("/account/delete", (303, 400, 400)),
    ("auth.create_token", "POST"): ("/account/tokens", (303, 400, 400)),
    ("auth.revoke_token", "POST"): ("/account/tokens/1/revoke", (303, 404, 404)),
    ("auth.end_session", "POST"): ("/account/sessions/{session}/end", (303, 404, 404)),
    ("auth.sign_out", "POST"): ("/sign-out", SIGN_IN),
    ("admin.index", "GET"): ("/admin", (303, 403, 200)),
    ("admin.catalogue", "GET"): ("/admin/catalogue", (303, 403, 200)),
    ("admin.upload", "POST"): ("/admin/catalogue", (303, 403, 303)),
    ("admin.library", "GET"): ("/admin/library", (303, 403, 200)),
    ("admin.analyze", "POST"): ("/admin/library", (303, 403, 400)),
    ("admin.add_demo", "POST"): ("/admin/library/demo", (303, 403, 303)),
    ("admin.remove_demo", "POST"): ("/admin/library/demo/remove", (303, 403, 303)),
    ("admin.duplicates", "GET"): ("/admin/duplicates", (303, 403, 200)),
    ("admin.search_duplicates", "POST"): ("/admin/duplicates/search", (303, 403, 303)),
    ("admin.merge_duplicates", "POST"): ("/admin/duplicates/merge", (303, 403, 303)),
    ("admin.merge_all", "POST"): ("/admin/duplicates/merge-all", (303, 403, 303)),
    ("admin.undo_all", "POST"): ("/admin/duplicates/undo-all", (303, 403, 303)),
    ("admin.undo_merge", "POST"): ("/admin/duplicates/merges/1/undo", (303, 403, 303)),
    ("admin.train", "GET"): ("/admin/train", (303, 403, 200)),
    ("admin.train", "POST"): ("/admin/train", (303, 403, 303)),
    ("admin.jobs", "GET"): ("/admin/jobs", (303, 403, 200)),
    ("admin.job", "GET"): ("/admin/jobs/{job}", (303, 403, 200)),
    ("admin.job_state", "GET"): ("/admin/jobs/{job}/state", (303, 403, 200)),
    ("admin.rejects", "GET"): ("/admin/jobs/{job}/rejects", (303, 403, 404)),
    ("admin.cancel", "POST"): ("/admin/jobs/{job}/cancel", (303, 403, 303)),
    ("admin.again", "POST"): ("/admin/jobs/{job}/again", (303, 403, 303)),
    ("admin.runs", "GET"): ("/admin/runs", (303, 403, 200)),
    ("admin.run", "GET"): ("/admin/runs/{run}", (303, 403, 200)),
    ("admin.publish", "POST"): ("/admin/runs/{run}/publish", (303, 403, 303)),
    ("admin.rename_run", "POST"): ("/admin/runs/{run}/name", (303, 403, 303)),
    ("admin.make_report", "POST"): ("/admin/runs/{run}/report", (303, 403, 303)),
    ("admin.report_file", "GET"): ("/admin/runs/{run}/report/report.html", (303, 403, 404)),
    ("admin.grids", "GET"): ("/admin/grids", (303, 403, 200)),
    ("admin.start_grid", "POST"): ("/admin/grids", (303, 403, 400)),
    ("admin.grid", "GET"): ("/admin/grids/000000000000", (303, 403, 404)),
    ("admin.grid_file", "GET"): (
        "/admin/grids/000000000000/clustering_metrics.csv",
        (303, 403, 404),
    ),
    ("admin.grid_again", "POST"): ("/admin/grids/000000000000/again", (303, 403, 404)),
    ("admin.forget_grid", "POST"): ("/admin/grids/000000000000/forget", (303, 403, 404)),
    ("admin.segments", "GET"): ("/admin/fragments", (303, 403, 200)),
    ("admin.work_on_segments", "POST"): ("/admin/fragments", (303, 403, 400)),
    ("admin.prediction", "GET"): ("/admin/prediction", (303, 403, 200)),
    ("admin.train_predictor", "POST"): ("/admin/prediction", (303, 403, 400)),
    ("admin.prediction_csv", "GET"): ("/admin/prediction/report.csv", (303, 403, 404)),
    ("admin.compare", "GET"): ("/admin/compare", (303, 403, 200)),
    ("admin.users", "GET"): ("/admin/users", (303, 403, 200)),
    ("admin.set_admin", "POST"): ("/admin/users/{other}/admin", (303, 403, 303)),
    ("admin.reset_password", "POST"): ("/admin/users/{other}/password", (303, 403, 200)),
    ("admin.sign_out_user", "POST"): ("/admin/users/{other}/sign-out", (303, 403, 303)),
    ("admin.security_events", "GET"): ("/admin/security", (303, 403, 200)),
    ("admin.delete_user", "POST"): ("/admin/users/{other}/delete", (303, 403, 303)),
    ("admin.servers", "GET"): ("/admin/servers", (303, 403, 200)),
    ("admin.add_server", "POST"): ("/admin/servers", (303, 403, 400)),
    ("admin.scan_server", "POST"): ("/admin/servers/none/scan", (303, 403, 404)),
    ("admin.remove_server", "POST"): ("/admin/servers/none/remove", (303, 403, 404)),
    ("admin.invitations", "GET"): ("/admin/invitations", (303, 403, 200)),
    ("admin.create_invitation", "POST"): ("/admin/invitations", (303, 403, 201)),
    ("admin.revoke_invitation", "POST"): (
        "/admin/invitations/{invitation}/revoke",
        (303, 403, 303),
    ),
    ("rules.page", "GET"): ("/rules", OPEN),
    ("rules.add", "POST"): ("/rules", (400, 400, 400)),
    ("rules.remove", "POST"): ("/rules/1/remove", HIDDEN),
    ("likes.weigh", "POST"): ("/tracks/{track}/weight", HIDDEN),
    ("likes.skip", "POST"): ("/tracks/{track}/skip", (400, 400, 400)),
    ("recommendations.more_like", "GET"): ("/tracks/{track}/more", OPEN),
    ("stations.index", "GET"): ("/stations", OPEN),
    ("stations.show", "GET"): ("/stations/song?of={track}", OPEN),
    ("stations.queue", "GET"): ("/stations/song/queue?of={track}", OPEN),
    ("stations.path", "GET"): ("/path", OPEN),
    ("stations.blend", "GET"): ("/blend?add={track}", OPEN),
    ("me.page", "GET"): ("/me", OPEN),
    ("me.export", "GET"): ("/me/export.json", OPEN),
    ("me.import_likes", "POST"): ("/me/import", (400, 400, 400)),
    ("me.retry_unmatched", "POST"): ("/me/again", (303, 303, 303)),
    ("me.delete_unmatched", "POST"): ("/me/waiting/forget", (303, 303, 303)),
    ("me.clear_skips", "POST"): ("/me/skips/forget", (303, 303, 303)),
    ("me.clear_plays", "POST"): ("/me/plays/forget", (303, 303, 303)),
    ("me.delete", "POST"): ("/me/delete", (400, 303, 303)),
    ("servers.page", "GET"): ("/account/servers", (303, 200, 200)),
    ("servers.connect", "POST"): ("/account/servers/none", (303, 404, 404)),
    ("servers.switch", "POST"): ("/account/servers/none/switches", (303, 404, 404)),
    ("servers.exchange", "POST"): ("/account/servers/none/exchange", (303, 404, 404)),
    ("servers.disconnect", "POST"): ("/account/servers/none/disconnect", (303, 404, 404)),
    ("elsewhere.page", "GET"): ("/account/listening", (303, 200, 200)),
    ("elsewhere.connect", "POST"): ("/account/listening", (303, 400, 400)),
    ("elsewhere.switch", "POST"): ("/account/listening/switches", (303, 404, 404)),
    ("elsewhere.exchange", "POST"): ("/account/listening/exchange", (303, 404, 404)),
    ("elsewhere.disconnect", "POST"): ("/account/listening/disconnect", (303, 404, 404)),
    ("matches.page", "GET"): ("/me/matches", OPEN),
    ("matches.decide", "POST"): ("/me/matches/1", HIDDEN),
    ("matches.decide_artist", "POST"): ("/me/matches/artist", (404, 303, 303)),
    ("matches.undo", "POST"): ("/me/matches/1/undo", HIDDEN),
    ("imports.show", "GET"): ("/me/imports/none", HIDDEN),
    ("imports.state", "GET"): ("/me/imports/none/state", HIDDEN),
    ("imports.cancel", "POST"): ("/me/imports/none/cancel", HIDDEN),
    ("admin.kept_songs", "GET"): ("/admin/kept-songs", (303, 403, 200)),
    ("admin.grant_song", "POST"): ("/admin/kept-songs/none/grant", (303, 403, 404)),
    ("admin.refuse_song", "POST"): ("/admin/kept-songs/none/refuse", (303, 403, 404)),
    ("admin.remove", "POST"): ("/admin/tracks/none/remove", (303, 403, 404)),
    ("api.remove_track", "DELETE"): ("/api/v1/tracks/none", (401, 403, 404)),
    ("api.import_list", "POST"): ("/api/v1/imports", (422, 422, 422)),
    ("api.import_of_list", "GET"): ("/api/v1/imports/none", HIDDEN),
    ("api.listen_list", "GET"): ("/api/v1/listens", (401, 200, 200)),
    ("api.playlist_file", "GET"): ("/api/v1/playlists/{playlist}/file", HIDDEN),
    ("api.create_stream_key", "PUT"): (
        "/api/v1/playlists/{playlist}/stream-key",
        (401, 404, 404),
    ),
    ("api.revoke_stream_key", "DELETE"): (
        "/api/v1/playlists/{playlist}/stream-key",
        (401, 404, 404),
    ),
    ("api.station", "GET"): ("/api/v1/stations/song?of={track}", OPEN),
    ("api.path", "GET"): ("/api/v1/tracks/{track}/path/{track}", OPEN),
    ("api.blend", "GET"): ("/api/v1/blend?add={track}", OPEN),
    ("api.rules", "GET"): ("/api/v1/rules", (401, 200, 200)),
    ("api.add_rule", "POST"): ("/api/v1/rules", (422, 422, 422)),
    ("api.remove_rule", "DELETE"): ("/api/v1/rules/1", (401, 404, 404)),
    ("api.skipped", "GET"): ("/api/v1/skips", (401, 200, 200)),
    ("api.skip", "PUT"): ("/api/v1/skips/{track}", (401, 200, 200)),
    ("api.unskip", "DELETE"): ("/api/v1/skips/{track}", (401, 204, 204)),
    ("player.controls", "GET"): ("/listen/controls", OPEN),
    ("player.play", "GET"): ("/listen/tracks/{track}", HIDDEN),
    ("player.media", "GET"): ("/listen/none", HIDDEN),
    ("player.stream", "GET"): ("/listen/playlists/{playlist}/key/tracks/{track}", HIDDEN),
    ("player.transcoded", "GET"): ("/listen/none/transcoded", HIDDEN),
    ("player.now", "GET"): ("/listen/now/{track}", OPEN),
    ("player.waveform", "GET"): ("/listen/none/waveform", HIDDEN),
    ("player.cover", "GET"): ("/listen/none/cover", HIDDEN),
    ("player.queue_of", "GET"): ("/listen/queue?cluster=0", OPEN),
    ("health.health", "GET"): ("/health", OPEN),
    ("health.ready", "GET"): ("/ready", (503, 503, 503)),
    ("api.health", "GET"): ("/api/v1/health", OPEN),
    ("api.tracks", "GET"): ("/api/v1/tracks", OPEN),
    ("api.track", "GET"): ("/api/v1/tracks/{track}", OPEN),
    ("api.search_artists", "GET"): ("/api/v1/artists?q=a", OPEN),
    ("api.artist", "GET"): ("/api/v1/artists/{artist}", OPEN),
    ("api.artist_tracks", "GET"): ("/api/v1/artists/{artist}/tracks", OPEN),
    ("api.album", "GET"): ("/api/v1/albums/{album}", OPEN),
    ("api.album_tracks", "GET"): ("/api/v1/albums/{album}/tracks", OPEN),
    ("api.similar", "GET"): ("/api/v1/tracks/{track}/similar", OPEN),
    ("api.clusters", "GET"): ("/api/v1/clusters", OPEN),
    ("api.cluster", "GET"): ("/api/v1/clusters/0", OPEN),
    ("api.token", "GET"): ("/api/v1/token", (401, 401, 401)),
    ("api.likes", "GET"): ("/api/v1/likes", (401, 200, 200)),
    ("api.like", "PUT"): ("/api/v1/likes/{track}", (401, 200, 200)),
    ("api.unlike", "DELETE"): ("/api/v1/likes/{track}", (401, 204, 204)),
    ("api.recommendations", "GET"): ("/api/v1/recommendations", (401, 200, 200)),
    ("api.recommendation_rows", "GET"): ("/api/v1/recommendations/rows", (401, 200, 200)),
    ("api.mix_list", "GET"): ("/api/v1/mixes", (401, 200, 200)),
    ("api.mix", "GET"): ("/api/v1/mixes/daily-1", (401, 404, 404)),
    ("api.playlist_list", "GET"): ("/api/v1/playlists", OPEN),
    ("api.create_playlist", "POST"): ("/api/v1/playlists", (422, 422, 422)),
    ("api.playlist", "GET"): ("/api/v1/playlists/{playlist}", HIDDEN),
    ("api.delete_playlist", "DELETE"): ("/api/v1/playlists/{playlist}", (401, 404, 404)),
    ("api.add_to_playlist", "POST"): ("/api/v1/playlists/{playlist}/tracks", (422, 422, 422)),
    ("api.remove_from_playlist", "DELETE"): (
        "/api/v1/playlists/{playlist}/tracks/{track}",
        (401, 404, 404),
    ),
    ("api.run_list", "GET"): ("/api/v1/runs", OPEN),
    ("api.run", "GET"): ("/api/v1/runs/{run}", OPEN),
    ("api.job_list", "GET"): ("/api/v1/jobs", (401, 200, 200)),
    ("api.job", "GET"): ("/api/v1/jobs/{job}", (404, 404, 200)),
    ("api_docs.openapi", "GET"): ("/api/v1/openapi.json", OPEN),
    ("api_docs.openapi_3_0", "GET"): ("/api/v1/openapi-3.0.json", OPEN),
    ("api_docs.docs", "GET"): ("/api/v1/docs", OPEN),
    ("api_docs.docs_file", "GET"): ("{swagger}", OPEN),
    ("static", "GET"): ("/static/css/theme.css", OPEN),
    ("bootstrap.static", "GET"): ("/bootstrap/static/css/bootstrap.min.css", OPEN),
    ("assets.plotly", "GET"): ("{plotly}", OPEN),
    # Last: nothing above is liked, and the browser stays signed in.
    ("likes.play", "POST"): ("/tracks/{track}/play", (303, 303, 303)),
    ("me.keep_history", "POST"): ("/me/plays/keep", (303, 303, 303)),
    ("pages.like_artist", "POST"): ("/artists/{artist}/likes", (303, 303, 303)),
    ("pages.like_album", "POST"): ("/albums/{album}/likes", (303, 303, 303)),
    ("auth.create_app_password", "POST"): ("/account/apps", (303, 400, 400)),
    ("auth.revoke_app_password", "POST"): ("/account/apps/0/revoke", (303, 404, 404)),
    ("auth.sign_out_everywhere", "POST"): ("/account/sessions/end", SIGN_IN),
}
ADMIN_ONLY = sorted(row for row in TABLE if row[0].startswith("admin."))


@pytest.fixture
def places(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the table's addresses speak of, and the two accounts."""
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(users, "HASHER", hasher)
    users.require_listener(session, users.create(session, "user", PASSWORD))
    users.require_listener(session, users.create(session, "the admin", PASSWORD, is_admin=True))
    other = users.create(session, "somebody else", PASSWORD)
    owner = Listener(token="other", user_id=other.id)
    session.add(owner)
    session.flush()
    session.add(Playlist(public_id="theirs", listener_id=owner.id, name="Theirs"))
    planted = plant(session, app.config["INSTANCE"])
    album = Album(public_id="an-album", title="An album")
    session.add(album)
    session.flush()
    session.get_one(Track, int(planted.track_ids[0])).album_id = album.id
    job = jobs.create(session, "upload", {"upload_id": "theirs"})
    song = Upload(public_id="theirs", listener_id=owner.id, name="a", path="/no", size=1)
    song.job_id = job.id
    session.add(song)
    user_sessions.start(session, other)
    found = {
        "session": str(session.scalars(select(UserSession.id)).one()),
        "upload": "theirs",
        "track": session.get_one(Track, int(planted.track_ids[0])).public_id,
        "artist": session.scalars(select(Artist.public_id)).first(),
        "album": "an-album",
        "playlist": "theirs",
        "run": planted.run.public_id,
        "job": jobs.create(session, "train", {}).public_id,
        "other": str(other.id),
        "invitation": str(invitations.create(session)[0].id),
    }
    session.commit()
    version = importlib.metadata.version("flask-swagger-ui")
    found["swagger"] = f"/api/v1/docs/{version}/swagger-ui.css"
    found["plotly"] = f"/assets/plotly-{plotly_version()}.min.js"
    return found


def as_role(app: Flask, role: str) -> FlaskClient:
    client = app.test_client()
    if role != "anonymous":
        name = "the admin" if role == "admin" else role
        answer = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303
    return client


def routes(app: Flask) -> set[tuple[str, str]]:
    def methods(rule: Rule) -> set[str]:
        return set(rule.methods or ()) - {"HEAD", "OPTIONS"}

    # What apps and plugins of other makers call signs in by itself, see test_doors.py in
    # tests/web/subsonic and tests/audiomuse.
    others = ("subsonic.", "audiomuse.", "audiomuse_key.")
    rules = (rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith(others))
    return {(rule.endpoint, method) for rule in rules for method in methods(rule)}


def test_every_route_has_a_row_and_every_row_a_route(app: Flask) -> None:
    assert routes(app) == set(TABLE)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_as_the_table_says(
    app: Flask, places: dict[str, str], role: str
) -> None:
    found, expected = {}, {}
    client = as_role(app, role)
    for (endpoint, method), (address, statuses) in TABLE.items():
        answer = client.open(address.format(**places), method=method)
        answer.close()
        found[endpoint, method] = answer.status_code
        expected[endpoint, method] = statuses[ROLES.index(role)]
        if endpoint == "auth.sign_out":
            client = as_role(app, role)
    assert found == expected


def test_admin_pages_send_the_anonymous_to_sign_in_and_back(
    app: Flask, places: dict[str, str]
) -> None:
    client = as_role(app, "anonymous")
    for endpoint, method in ADMIN_ONLY:
        address = TABLE[endpoint, method][0].format(**places)
        location = client.open(address, method=method).headers["Location"]
        assert location == "/sign-in?next=" + (address if method == "GET" else "/")


def test_every_admin_route_is_behind_the_admin_door(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert str(rule).startswith("/admin") == rule.endpoint.startswith("admin.")


class TestAccountsOnly:
    """Where the catalogue is for accounts, every route is, except those that are named here."""

    OPEN = {  # noqa: RUF012 - the routes for everybody, with their statuses
        ("static", "GET"): 200,
        ("bootstrap.static", "GET"): 200,
        ("assets.plotly", "GET"): 200,
        ("installation.manifest", "GET"): 200,
        ("installation.icon", "GET"): 200,
        ("installation.offline", "GET"): 200,
        ("installation.service_worker", "GET"): 200,
        ("fonts.font", "GET"): 404,
        ("player.controls", "GET"): 200,
        ("auth.sign_in", "GET"): 200,
        ("auth.sign_in", "POST"): 400,
        ("auth.sign_up", "GET"): 200,
        ("auth.sign_up", "POST"): 400,
        ("auth.sign_out", "POST"): 303,
        ("api.health", "GET"): 200,
        ("health.health", "GET"): 200,
        ("health.ready", "GET"): 503,
        ("api_docs.openapi", "GET"): 200,
        ("api_docs.openapi_3_0", "GET"): 200,
        ("api_docs.docs", "GET"): 200,
        ("api_docs.docs_file", "GET"): 200,
        ("player.stream", "GET"): 404,  # by the key of a playlist
        ("shared_playlists.show", "GET"): 404,
        ("shared_playlists.queue", "GET"): 404,
        ("shared_playlists.media", "GET"): 404,
        ("shared_playlists.transcoded", "GET"): 404,
    }

    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"CATALOGUE": "accounts", "LISTENING": "accounts"}

    def test_the_anonymous_are_asked_to_sign_in_by_every_route(
        self, app: Flask, session: Session, places: dict[str, str]
    ) -> None:
        before = session.query(Listener).count()
        for endpoint, method in sorted(routes(app)):
            address = TABLE[endpoint, method][0].format(**places)
            for headers in ({}, {"Accept": "application/json"}):
                answer = app.test_client().open(address, method=method, headers=headers)
                answer.close()
                if (endpoint, method) in self.OPEN:
                    assert answer.status_code == self.OPEN[endpoint, method], endpoint
                elif endpoint.startswith("api") or headers:
                    assert answer.status_code == 401, endpoint
                else:
                    assert answer.status_code == 303, endpoint
                    place = urlsplit(answer.headers["Location"])
                    back = {"next": [address if method == "GET" else "/"]}
                    assert (place.path, parse_qs(place.query)) == ("/sign-in", back), endpoint
        assert session.query(Listener).count() == before

    @pytest.mark.parametrize("role", ["user", "admin"])
    def test_accounts_get_what_the_table_says_and_no_cache_keeps_it_for_others(
        self, app: Flask, places: dict[str, str], role: str
    ) -> None:
        client = as_role(app, role)
        for (endpoint, method), (address, statuses) in TABLE.items():
            if method != "GET":
                continue
            answer = client.open(address.format(**places), method=method)
            answer.close()
            assert answer.status_code == statuses[ROLES.index(role)], endpoint
            if (endpoint, method) not in self.OPEN:
                assert not answer.cache_control.public, endpoint

    def test_a_token_opens_the_api(self, app: Flask, session: Session, places) -> None:
        _, clear = api_tokens.create(session, users.get(session, "user"), "a program")
        session.commit()
        client = app.test_client()
        for endpoint, method in sorted(routes(app)):
            if not endpoint.startswith("api.") or method != "GET":
                continue
            address, (_, expected, _) = TABLE[endpoint, method]
            expected = 200 if endpoint == "api.token" else expected  # of the token itself
            headers = {"Authorization": f"Bearer {clear}"}
            answer = client.get(address.format(**places), headers=headers)
            assert answer.status_code == expected, endpoint


class TestListeningForAccounts:
    """Where only listening is for accounts, the pages stay open and nothing sounds."""

    SOUND = {  # noqa: RUF012
        ("player.media", "GET"),
        ("player.transcoded", "GET"),
        ("player.play", "GET"),
    }

    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"LISTENING": "accounts"}

    def test_only_sound_asks_to_sign_in(self, app: Flask, places: dict[str, str]) -> None:
        for (endpoint, method), (address, statuses) in TABLE.items():
            if method != "GET":
                continue
            answer = app.test_client().get(address.format(**places))
            answer.close()
            expected = 303 if (endpoint, method) in self.SOUND else statuses[0]
            assert answer.status_code == expected, endpoint


class TestCsrf:
    """With the protection on, no change passes without its token, whoever asks."""

    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"WTF_CSRF_ENABLED": True}

    def test_every_change_is_refused_without_its_token(
        self, app: Flask, places: dict[str, str]
    ) -> None:
        client = app.test_client()
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
        assert token is not None
        data = {"name": "the admin", "password": PASSWORD, "csrf_token": token[1]}
        assert client.post("/sign-in", data=data).status_code == 303
        for (endpoint, method), (address, _) in TABLE.items():
            if method == "GET":
                continue
            for sent in ({}, {"csrf_token": "forged"}):
                answer = client.open(address.format(**places), method=method, data=sent)
                assert answer.status_code == 400, endpoint
                assert "This form has expired" in answer.text, endpoint
