"""An analysis never reads the instance's own folders, by whatever path it comes to them."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.core.feature_spec import FeatureSpec
from songrec.features.settings import AudioSettings
from songrec.services.library.analysis_report import AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile, Job, User
from tests.audio_files.sounds import chords, write_wav
from tests.web.accounts import admin, quick_hashes

__all__ = ["admin", "quick_hashes"]  # fixtures


@pytest.fixture
def private(instance: Path) -> Path:
    """Somebody's upload in the instance, and a link to its folder beside the instance."""
    write_wav(instance / "uploads" / "anna" / "mine.wav", chords(1.0, 1))
    (instance.parent / "innocent").symlink_to(instance / "uploads")
    return instance / "uploads"


def analyse(app: Flask, session: Session, folder: Path) -> object:
    request = AnalyzeRequest(folder, FeatureSpec(("mfcc",)), 1, settings=AudioSettings(seconds=1.0))
    return analyze_folder(Instance(app.config["INSTANCE"], session), request)


@pytest.mark.parametrize(
    "name", ["instance", "instance/uploads", "instance/uploads/anna", "innocent", "innocent/anna",
             "instance/clips/../uploads"]
)  # fmt: skip
def test_own_folders_are_refused(
    app: Flask, session: Session, client: FlaskClient, admin: User, private: Path, name: str
) -> None:
    (private.parent / "clips").mkdir()
    folder = private.parents[1] / name
    with pytest.raises(BadInput, match="belongs to songrec itself"):
        analyse(app, session, folder)
    answer = client.post("/admin/library", data={"folder": str(folder), "features": "mfcc"})
    assert answer.status_code == 400
    assert "belongs to songrec itself" in answer.text
    assert session.scalars(select(Job)).all() == []


def test_a_parent_is_analysed_without_them_but_with_the_clips(
    app: Flask, session: Session, private: Path
) -> None:
    top = private.parents[1]
    write_wav(top / "music" / "song.wav", chords(1.0, 2))
    write_wav(private.parent / "clips" / "clip.wav", chords(1.0, 3))
    kept = private.parent / "library" / "kept.wav"
    write_wav(kept, chords(1.0, 4))
    session.add(
        AudioFile(
            path=str(kept),
            size=1,
            modified_ns=1,
            state="analysed",
            public_id="k",
            root=str(kept.parent),
        )
    )
    session.commit()
    report = analyse(app, session, top)
    paths = {Path(path).name for path in session.scalars(select(AudioFile.path))}
    assert paths == {"song.wav", "clip.wav", "kept.wav"}
    assert report.missing == 0
    assert report.ignored["songrec's own folders"] >= 2
