"""``flask listeners import|export``, ``flask playlists`` and ``flask export playlist``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.store.listeners import playlists, reactions, users
from songrec.store.tables import Track
from tests.factories import make_track
from tests.sounding import add_sound, write_wav


@pytest.fixture(autouse=True)
def anna(session: Session, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    user = users.create(session, "Anna", "correct horse battery")
    session.commit()
    return user


@pytest.fixture
def alpha(session: Session, tmp_path: Path) -> Track:
    key = songs.song_key("Anna", "Alpha")
    track = make_track(session, "Alpha", artists="Anna", song_key=key)
    add_sound(session, track, write_wav(tmp_path / "music" / "Anna" / "Alpha.wav", 0.1))
    session.commit()
    return track


def run(app: Flask, *args: str):
    return app.test_cli_runner().invoke(args=list(args))


def test_lists_are_imported_for_an_account(
    app: Flask, session: Session, anna, alpha: Track, tmp_path: Path
) -> None:
    likes = tmp_path / "likes.csv"
    likes.write_text("title,artist\nAlpha,Anna\nGone,Bert\n,,\nx,\n")
    mix = tmp_path / "Mix.m3u8"
    mix.write_text("#EXTM3U\n/elsewhere/Anna/Alpha.wav\n")
    result = run(app, "listeners", "import", str(likes), str(mix), "--user", "anna")
    assert result.exit_code == 0, result.output
    for line in (
        "likes.csv was read as CSV.",
        "Added: 1 like.",
        "Matched: 1 by artist and title.",
        "Not in this catalogue (kept to try again): 1",
        "  Bert – Gone",
        "  line 5 has no id and no title with an artist",
        "New playlist “Mix”: 1 song.",
        "Matched: 1 by the path of the file.",
    ):
        assert line in result.output.splitlines(), line
    listener = users.listener_of(session, anna)
    assert reactions.reactions(session, listener)[0] == [alpha.id]
    result = run(app, "listeners", "import", str(mix), "--user", "Anna", "--as", "likes", "--json")
    document = json.loads(result.output)
    assert (document["format"], document["unchanged"]) == ("M3U", 1)
    exported = run(app, "listeners", "export", "--user", "Anna")
    assert [one["title"] for one in json.loads(exported.output)["likes"]] == ["Alpha"]


def test_what_is_no_list_is_one_line(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    result = run(app, "listeners", "import", str(path), "--user", "Anna")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"songrec: {path}: This JSON is not")
    assert result.stderr.count("\n") == 1
    result = run(app, "listeners", "import", str(path), "--user", "nobody")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert run(app, "listeners", "import", str(path)).exit_code == 2


def test_playlists_are_listed_and_exported(
    app: Flask, session: Session, anna, alpha: Track, tmp_path: Path
) -> None:
    listener = users.require_listener(session, anna)
    mine = playlists.create(session, listener, "Mine", "", [alpha.id])
    session.commit()
    (row,) = json.loads(run(app, "playlists", "--user", "Anna", "--json").output)
    assert row == {"id": mine.public_id, "name": "Mine", "size": 1}
    assert run(app, "playlists").output == ""

    def last_line(*options: str) -> str:
        result = run(app, "export", "playlist", mine.public_id, *options)
        assert result.exit_code == 0, result.output
        return result.output.splitlines()[-1]

    assert last_line() == "Alpha.wav"
    assert last_line("--root", str(tmp_path)) == "music/Anna/Alpha.wav"
    assert last_line("--files", "absolute") == str(tmp_path / "music" / "Anna" / "Alpha.wav")
    stream = last_line("--files", "stream", "--base-url", "https://songs.example")
    assert stream.startswith("https://songs.example/listen/playlists/")
    path = stream.removeprefix("https://songs.example")
    assert app.test_client().get(path, buffered=True).status_code == 200
    target = tmp_path / "out.jspf"
    run(app, "export", "playlist", mine.public_id, "--format", "jspf", "--output", str(target))
    assert json.loads(target.read_text())["playlist"]["title"] == "Mine"
    assert run(app, "export", "playlist", "none").exit_code == 1
