"""Words searched on a real PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask_migrate import downgrade, upgrade

from songrec import create_app
from songrec.services.similarity import word_search
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.tables import Lyrics
from tests.factories import make_track

pytestmark = pytest.mark.postgresql


def test_words_are_found_on_postgresql(server_url: str, tmp_path: Path) -> None:
    app = create_app(
        {"INSTANCE": tmp_path / "i", "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    )
    with app.app_context():
        upgrade()
        for title, said, genre in (
            ("Quiet", "a slow piano plays at night while the city sleeps and dreams", "sad"),
            ("Loud", "night night night night and all the engines are roaring", "metal"),
            ("Plain", None, "piano"),
        ):
            track = make_track(db.session, title=title, genres=(genre,))
            if said:
                db.session.add(Lyrics(track_id=track.id, text=said))
        db.session.commit()
        assert word_search.prepare_lyrics(Instance(tmp_path / "i", db.session)).languages == {
            "english": 2
        }
        found = word_search.search_words(db.session, "sadness, pianos at night")
        assert found[0].track.title == "Quiet"
        assert set(found[0].words) == {"sad", "piano", "night"}
        assert {answer.track.title for answer in found} == {"Quiet", "Loud", "Plain"}
        for said in ("'", "a & b", "!:*", "\\", "the of"):
            word_search.search_words(db.session, said)
        japanese = make_track(db.session, title="東京")
        db.session.add(Lyrics(track_id=japanese.id, text="夜の東京タワーで君を待つ"))
        upset = make_track(db.session, title="Upset", genres=("anger",))
        db.session.commit()
        word_search.prepare_lyrics(Instance(tmp_path / "i", db.session))
        for said, track in (
            ("東京タワー", japanese),
            ("君", japanese),
            ("furious", upset),
            ("engi", None),
        ):
            title = track.title if track else "Loud"
            assert [
                answer.track.title for answer in word_search.search_words(db.session, said)
            ] == [title]
        assert word_search.search_words(db.session, "京東") == []
        assert word_search.search_words(db.session, "東京")[0].words == ("東京",)
        db.session.commit()
        downgrade(revision="0005")
        upgrade()
        db.session.remove()
        db.engine.dispose()
