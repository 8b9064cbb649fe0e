"""Merges, their undoing, skips and idle listeners on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask_migrate import upgrade
from sqlalchemy import select, update

from songrec import create_app
from songrec.services.catalogue import duplicate_search
from songrec.store.catalogue import duplicates as found
from songrec.store.catalogue import merging
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.listeners import inactive_listeners, playlists, reactions, skips
from songrec.store.tables import Listener, Lyrics, Reaction, Track
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.store.catalogue.test_merging import START, a_listener, everything

pytestmark = pytest.mark.postgresql


def test_songs_become_one_and_two_again_on_postgresql(server_url: str, tmp_path: Path) -> None:
    instance = tmp_path / "i"
    app = create_app({"INSTANCE": instance, "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True})
    with app.app_context():
        upgrade()
        session = db.session
        kept = make_track(session, "Same Song", artists="Somebody", duration_ms=200_000)
        gone = make_track(
            session,
            "Same Song - 2011 Remaster",
            artists="Somebody",
            duration_ms=201_000,
            genres=("pop",),
            album="First",
        )
        other = make_track(session, "Another", artists="Somebody", duration_ms=200_000)
        one, two = a_listener(session), a_listener(session)
        for who, track, value, weight in (
            (one, kept, 1, 3),
            (one, gone, 1, 2),
            (two, gone, -1, None),
            (two, other, 1, 2),
        ):
            reactions.react(session, who, track.id, value, weight)
        earlier = {"created_at": START}
        session.execute(update(Reaction).where(Reaction.track_id == kept.id).values(earlier))
        skips.record(session, one, kept.id, 2, START)
        skips.record(session, one, gone.id, 5, START + timedelta(days=1))
        skips.record(session, one, gone.id, 1, START + timedelta(days=2))
        mine = playlists.create(session, one, "Both", track_ids=[gone.id, other.id, kept.id])
        add_sound(session, gone, write_wav(tmp_path / "a.wav"))
        session.add(Lyrics(track_id=gone.id, text="la"))
        session.commit()
        before = everything(session)

        done = duplicate_search.search(Instance(instance, session))
        assert (done.groups, done.pairs["names"]) == (1, 1)
        (group,) = found.page(session, 1, 20)
        assert {member.track.id for member in group.members} == {kept.id, gone.id}

        kept_id, gone_id = kept.id, gone.id
        row = merging.merge(session, kept_id, gone_id)
        session.commit()
        assert session.get(Track, gone_id) is None
        assert reactions.values(session, one) == {kept_id: 1}
        assert reactions.weights(session, one) == {kept_id: 2}
        assert skips.recent_counts(session, one) == {kept_id: 8}
        assert reactions.values(session, two) == {kept_id: -1, other.id: 1}
        assert playlists.tracks(session, mine) == [kept_id, other.id]
        make_track(session, "New")  # ids go on after the merged track's
        session.rollback()

        merging.undo(session, row.id)
        session.commit()
        assert everything(session) == before

        again = merging.merge(session, gone_id, kept_id)
        skips.record(session, one, gone_id)
        reactions.react(session, two, gone_id, None)
        merging.undo(session, again.id)
        assert skips.recent_counts(session, one) == {kept_id: 9, gone_id: 9}
        assert reactions.values(session, two) == {other.id: 1}

        long_ago = {"created_at": START - timedelta(days=900)}
        session.execute(update(Listener).values(long_ago))
        session.execute(update(Reaction).where(Reaction.listener_id == two.id).values(long_ago))
        two_id = two.id
        assert inactive_listeners.remove(session, 400) == 1
        assert two_id not in session.scalars(select(Listener.id)).all()
        session.commit()
        db.session.remove()
        db.engine.dispose()
