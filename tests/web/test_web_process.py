"""The web process as gunicorn starts it: what it imports, and how soon it is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.encryption import Cipher
from songrec.store.listeners import app_passwords, user_sessions, users
from songrec.store.tables import Track
from songrec.web.subsonic.endpoints import NAMES
from tests.planted_run import plant

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "tensorflow",
    "keras",
    "sklearn",
    "librosa",
    "torch",
    "pandas",
    "pyarrow",
    "alembic",
    "av",
    "mutagen",
    "distributed",
    "xgboost",
    "optuna",
    "skops",
    "prometheus_client",
    "requests",
    "cryptography",
    "defusedxml",
    "tarfile",
    "songrec.cli",
)
# A report of predictions is there once a predictor is trained; no worker runs; no token is sent.
EXPECTED = {
    "/admin/prediction/report.csv": (404,),
    "/ready": (503,),
    "/api/v1/token": (401,),
    # What plugins of other servers call is about songs that they name, or needs their token.
    "/api/sonic_fingerprint/generate": (401,),
    **dict.fromkeys(
        (
            "/api/similar_tracks",
            "/api/find_path",
            "/api/max_distance",
            "/api/track",
            "/api/similar_artists",
            "/api/artist_tracks",
        ),
        (400,),
    ),
}
SCRIPT = f"""
import sys
import wsgi
client = wsgi.app.test_client()
with client.session_transaction() as cookie:
    cookie["_user_id"], cookie["_fresh"] = sys.argv[1], True
wrong = {{}}
for address in sys.argv[2:]:
    with client.get(address) as answer:
        answer.get_data()
        if answer.status_code not in {EXPECTED!r}.get(address, (200, 303)):
            wrong[address] = answer.status_code
assert not wrong, wrong
print(*[name for name in {HEAVY!r} if name in sys.modules])
"""


def test_pages_are_served_without_importing_what_trains(app: Flask, session: Session) -> None:
    planted = plant(session, app.config["INSTANCE"])
    track = session.get_one(Track, int(planted.track_ids[0]))
    admin = users.create(session, "Chief", "a good password", is_admin=True)
    token = user_sessions.start(session, admin)
    session.commit()
    addresses = [
        str(rule)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.arguments
        and not str(rule).startswith("/rest/")
    ]
    _, _, key = app_passwords.create(session, admin, "Phone", Cipher("a key"))
    session.commit()
    addresses += [
        f"/rest/{name}?apiKey={key}&v=1.16.1&c=a&id={track.public_id}&startSongId={track.public_id}"
        # getTranscodeStream answers only to what getTranscodeDecision returned.
        for name in sorted(NAMES - {"getTranscodeStream"})
    ]
    run = planted.run.public_id
    addresses.remove("/api/v1/blend")  # it answers only to what is to be blended
    addresses.remove("/api/v1/artists")  # it needs a name to search
    # These answer to a part of the map.
    for address in ("/map/cells", "/map/names", "/map/inside", "/map/path"):
        addresses.remove(address)
    addresses += [
        "/map/cells?view=0,9,0,9&cells=2,2",
        "/map/names?view=0,9,0,9&size=99,99",
        "/map/inside?shape=0,0,9,0,9,9",
        "/api/v1/artists?q=song",
        f"/api/v1/blend?add={track.public_id}",
        f"/api/similar_tracks?item_id={track.public_id}",
        f"/api/find_path?start_song_id={track.public_id}&end_song_id=p000000002",
        f"/stations/song?of={track.public_id}",
        f"/path?from={track.public_id}&to={track.public_id}",
        f"/tracks/{track.public_id}/more",
        f"/tracks/{track.public_id}",
        "/clusters/0",
        "/tracks?q=song&energy_min=0.2",
        f"/admin/runs/{run}",
        f"/admin/compare?a={run}&b={run}",
    ]
    assert {"/", "/tracks", "/map", "/likes", "/recommendations", "/admin"} <= set(addresses)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, token, *addresses],
        cwd=ROOT,
        env={**os.environ, "SONGREC_INSTANCE": str(app.config["INSTANCE"])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_importing_the_application_imports_little(app: Flask) -> None:
    # About 1,300 modules; what trains would bring thousands, one careless import hundreds.
    done = subprocess.run(
        [sys.executable, "-c", "import sys, wsgi; print(len(sys.modules))"],
        cwd=ROOT,
        env={**os.environ, "SONGREC_INSTANCE": str(app.config["INSTANCE"])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert int(done.stdout) < 1600
