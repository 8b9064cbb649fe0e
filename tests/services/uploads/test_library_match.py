"""Whether an uploaded song is in the library already: by its content, else by its names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from songrec.core.songs import song_key
from songrec.services.uploads.library_match import library_match
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


def test_the_same_recording_comes_before_a_song_of_that_name(
    session: Session, tmp_path: Path
) -> None:
    names = {"artists": "Nirvana", "title": "Polly"}
    recorded = make_track(session, "Another name")
    file = add_sound(session, recorded, write_wav(tmp_path / "a.wav", 0.05))
    named = [
        make_track(session, "Polly", artists="Nirvana", song_key=song_key("Nirvana", "Polly"))
        for _ in range(2)
    ]
    same = library_match(session, {**names, "hash": file.content_hash})
    assert same is not None
    assert (same.same_file, [view.id for view in same.tracks]) == (True, [recorded.id])
    by_name = library_match(session, {**names, "hash": "other"})
    assert by_name is not None
    assert not by_name.same_file
    assert [view.id for view in by_name.tracks] == [track.id for track in named]
    assert library_match(session, {**names, "artists": "", "hash": "other"}) is None
