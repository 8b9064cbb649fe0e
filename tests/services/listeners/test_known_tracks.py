"""The songs that lists of the best known begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from songrec.services.listeners import known_tracks
from songrec.store.listeners import reactions
from songrec.store.tables import Listener
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


def test_titles_then_likes_then_what_can_be_played(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener(token="x")
    session.add(listener)
    session.flush()
    liked, both, audible, titled = (
        make_track(session, title) for title in ("Liked", "Both", "Audible", "Yesterday")
    )
    make_track(session, "Neither")
    for number, track in enumerate((both, audible)):
        add_sound(session, track, write_wav(tmp_path / f"{number}.wav", 0.05, 200 + number))
    reactions.react(session, listener, both.id, 1)
    reactions.react(session, listener, liked.id, 1)
    reactions.react(session, listener, titled.id, -1)
    known = known_tracks.known_tracks
    assert known(session, listener) == (liked.id, both.id, audible.id)
    assert known(session, listener, "yesterday")[0] == titled.id
    assert known(session, None) == (both.id, audible.id)
    # Where many songs can be played, that makes none of them special.
    monkeypatch.setattr(known_tracks, "MAX_AUDIBLE", 1)
    assert known(session, listener) == (liked.id, both.id)
