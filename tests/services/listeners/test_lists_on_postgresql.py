"""Imports on PostgreSQL store what they store on SQLite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask_migrate import upgrade

from songrec import create_app
from songrec.core import songs
from songrec.services.listeners import import_export, match_decisions
from songrec.store.db import db
from songrec.store.listeners import listens, playlists, reactions, skips
from songrec.store.tables import Listener
from tests.factories import make_track

pytestmark = pytest.mark.postgresql


def test_imports_on_postgresql(server_url: str, tmp_path: Path) -> None:
    app = create_app({"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True})
    with app.app_context():
        upgrade()
        session = db.session
        track = make_track(
            session, "Alpha (feat. Bert)", artists="Anna", song_key=songs.song_key("Anna", "x")
        )
        listener, account = Listener(token="me"), Listener(token="account")
        session.add_all([listener, account])
        session.flush()
        plays = [
            {"endTime": f"2022-01-0{n} 10:00", "artistName": "Anna", "trackName": t, "msPlayed": ms}
            for n, (t, ms) in enumerate([("Alpha", 9), ("Alpha", 99_000), ("Gone", 99_000)], 1)
        ]

        def load(text: str, name: str) -> import_export.ImportReport:
            report = import_export.import_likes(session, listener, text.encode(), file_name=name)
            session.commit()
            return report

        for new in (2, 0):
            assert load(json.dumps(plays), "x.json").plays == new
        load("title,artist\nALPHA,Anna\nGone,Anna\n", "x.csv")
        load("#EXTM3U\n#EXTINF:1,Anna - Alpha\na.mp3\n", "Mix.m3u")
        assert reactions.reactions(session, listener)[0] == [track.id]
        assert skips.recent_counts(session, listener) == {track.id: 1}
        assert listens.counts(session, listener) == listens.ListenCounts(2, 1, 1)
        load("title,artist\nAlpha (Live),Anna\nBeta (Live),Anna\n", "unsure.csv")
        load("title,artist\nAlpha (Live),Anna\n", "unsure.csv")
        page = match_decisions.decision_page(session, listener, 10)
        ((question,), _), *_ = page.groups
        match_decisions.decide(session, listener, question.id, track.public_id)
        match_decisions.undo(session, listener, question.id)
        assert match_decisions.decide_artist(session, listener, "anna", accepts=False) == 1
        session.commit()
        text = json.dumps(import_export.export(session, listener))
        import_export.import_likes(session, account, text.encode())
        reactions.merge(session, listener, account)
        assert listens.counts(session, account).plays == 2
        make_track(session, "Gone", artists="Anna", song_key=songs.song_key("Anna", "Gone"))
        assert import_export.retry_unmatched(session, account).found == 2
        assert len(playlists.owned(session, account)) == 2
        session.commit()
        session.remove()
        db.engine.dispose()
