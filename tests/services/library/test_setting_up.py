"""Setting up while it is served: songs at once, a first run after ten, the rest as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.services.library import demo_music, setting_up, setup_progress
from songrec.services.library.analysis_report import AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder, list_folder
from songrec.services.library.setting_up import (
    QUICK_TRAINING,
    SetupRequest,
    set_up,
    training_of_new_songs,
)
from songrec.services.training.request import TrainRequest
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.models import fetching
from songrec.store.runs import runs
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, Job, Track
from tests.factories import make_track
from tests.planted_run import plant
from tests.sounding import add_sound, write_wav


@pytest.fixture(autouse=True)
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(instance: Path, name: str) -> None:
        raise NotReady("pip could not download it.")

    monkeypatch.setattr(fetching, "fetch", fetch)


@pytest.fixture
def home(instance: Path, session: Session) -> Instance:
    return Instance(instance, session)


def songs_in(folder: Path, count: int) -> Path:
    for number in range(count):
        write_wav(folder / f"Band {number % 3} - Song {number}.wav", 1.5, 220.0 * 1.06**number)
    return folder


def test_songs_can_be_played_before_and_recommended_after_ten_are_analysed(
    home: Instance, session: Session, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int, bool]] = []

    def on_progress(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        counts = audio_files.counts(session)
        playable = len(audio_files.audible(session))
        has_run = runs.published(session) is not None
        session.commit()
        seen.append((message, counts["analysed"], playable, has_run))

    report = set_up(home, SetupRequest(audio=str(songs_in(tmp_path / "m", 13))), on_progress)
    assert (report.found, report.analysed, report.rejected) == (13, 13, [])
    before_any = [row for row in seen if row[1] == 0]
    assert max(playable for _, _, playable, _ in before_any) == 13
    assert seen[-1][0].startswith("Listening to your music: 13 of 13")
    # A first run over some of the songs, to be followed by one over all.
    run = runs.published(session)
    assert run is not None
    assert setup_progress.is_quick(run)
    assert 10 <= run.track_count <= 13
    assert report.train == {"feature_set": "attributes,mfcc,statistical"}
    assert report.notes == [
        "Going on without tags and estimates by MusiCNN: pip could not download it."
    ]
    again = set_up(home, SetupRequest(audio=str(tmp_path / "m")))
    assert (again.found, again.analysed) == (13, 0)


def test_too_few_songs_make_no_first_run(home: Instance, session: Session, tmp_path: Path) -> None:
    report = set_up(home, SetupRequest(audio=str(songs_in(tmp_path / "m", 3))))
    assert runs.published(session) is None
    assert report.train == {"feature_set": "auto"}


def test_a_catalogue_comes_in_with_its_rejects(
    home: Instance, session: Session, tmp_path: Path
) -> None:
    lines = setting_up.DEMO_CATALOGUE.read_text().splitlines()[:31]
    path = tmp_path / "few.csv"
    path.write_text("\n".join([*lines, "one cell"]) + "\n")
    rejects = tmp_path / "rejects.csv"
    report = set_up(home, SetupRequest(catalogue=str(path)), rejects_path=rejects)
    assert report.imported == tracks.track_count(session) == 30
    assert report.notes == ["1 rows of few.csv were rejected."]
    assert "one cell" in rejects.read_text()
    assert report.train == {"feature_set": "auto"}
    runs_before = runs.published(session)
    assert runs_before is None
    # Nothing new: nothing to train but the run that is missing.
    assert set_up(home, SetupRequest(catalogue=str(path))).imported == 0


def test_the_demo_music_is_analysed_in_batches(
    home: Instance, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_music, "BATCHES", (2, 10, 1))
    plan = demo_music.music.plan()[:13]
    monkeypatch.setattr(
        demo_music.music,
        "write",
        lambda folder, piece: write_wav(
            (folder / piece.path).with_suffix(".wav"), 1.5, 220.0 * 1.06 ** plan.index(piece)
        ),
    )
    monkeypatch.setattr(demo_music.music, "plan", lambda: plan)
    shares: list[float] = []
    messages: list[str] = []

    def on_progress(share: float, message: str, details: dict[str, Any] | None = None) -> None:
        shares.append(share)
        messages.append(message)

    report = set_up(home, SetupRequest(audio="demo"), on_progress)
    assert report.found == 13
    assert shares == sorted(shares)
    assert "Making the demo music: 0 of 13" in messages
    assert "Listening to the demo music: 13 of 13" in messages
    paths = set(session.scalars(select(AudioFile.path)))
    assert all(path.startswith(str(home.folder / "clips")) for path in paths)
    assert runs.published(session) is not None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "less than a minute"),
        (60, "about one minute"),
        (130, "about two minutes"),
        (1500, "about 25 minutes"),
        (3 * 3600, "about 3 hours"),
    ],
)
def test_time_left_is_said_in_words(seconds: float, words: str) -> None:
    assert setup_progress.time_left(seconds) == words


def test_how_far_listening_is() -> None:
    counts = {"found": 28, "analysed": 10, "unchanged": 1, "rejected": 1, "seconds_left": 118}
    assert (
        setup_progress.listening_sentence(counts)
        == "Listening to your music: 12 of 28, about two minutes left"
    )
    assert setup_progress.listening_sentence({}) is None


def test_a_listed_file_that_cannot_be_analysed_leaves_no_song(
    home: Instance, session: Session, tmp_path: Path
) -> None:
    folder = songs_in(tmp_path / "m", 2)
    list_folder(home, AnalyzeRequest(folder))
    assert audio_files.counts(session)["listed"] == 2
    titles = set(session.scalars(select(Track.title)))
    assert titles == {"Song 0", "Song 1"}
    lengths = set(session.scalars(select(Track.duration_ms)))
    assert lengths == {1500}
    # Listed again nothing changes; then one of the files is no sound any more.
    list_folder(home, AnalyzeRequest(folder))
    (folder / "Band 0 - Song 0.wav").write_bytes(b"no sound at all")
    report = analyze_folder(home, AnalyzeRequest(folder, list_first=True))
    assert (report.analysed, len(report.rejected)) == (1, 1)
    assert set(session.scalars(select(Track.title))) == {"Song 1"}
    assert audio_files.counts(session) == {"listed": 0, "analysed": 1, "rejected": 1, "missing": 0}


def test_of_a_large_folder_a_few_songs_from_all_over_come_first(
    home: Instance, session: Session, tmp_path: Path
) -> None:
    folder = songs_in(tmp_path / "m", 9)
    report = analyze_folder(home, AnalyzeRequest(folder, sample=2))
    assert (report.found, report.analysed, report.is_sample) == (2, 2, True)
    assert set(session.scalars(select(Track.title))) == {"Song 0", "Song 4"}
    # The others are not taken for vanished; then all are analysed.
    whole = analyze_folder(home, AnalyzeRequest(folder, sample=3))
    assert (whole.found, whole.analysed, whole.is_sample) == (9, 7, False)


def test_songs_that_came_by_themselves_are_trained_on(
    home: Instance, session: Session, tmp_path: Path
) -> None:
    """Quickly from ten songs on, and as usual when all are analysed; never over a chosen run."""

    def add(number: int) -> None:
        sound = write_wav(tmp_path / f"{number}.wav", 0.1, 220.0 + number)
        add_sound(session, make_track(session), sound)

    for number in range(9):
        add(number)
    assert training_of_new_songs(home, is_all=True) is None
    add(9)
    assert training_of_new_songs(home, is_all=False) == QUICK_TRAINING
    usual = training_of_new_songs(home, is_all=True)
    assert usual == {"feature_set": "attributes,mfcc,statistical"}
    run = plant(session, home.folder).run
    assert training_of_new_songs(home, is_all=True) is None
    quick = TrainRequest.from_json(QUICK_TRAINING)
    run.representation, run.feature_set = quick.representation, str(quick.feature_set)
    assert setup_progress.is_quick(run)
    assert training_of_new_songs(home, is_all=False) is None
    assert training_of_new_songs(home, is_all=True) is not None


def test_the_analysis_of_a_music_server_brings_songs(session: Session) -> None:
    """Its progress is shown as that of a folder is."""
    details = {"found": 24, "analysed": 3}
    session.add(
        Job(
            public_id="analysis",
            kind="server-analyze",
            state="running",
            parameters={},
            message="3 of 24 songs of Attic",
            progress=0.1,
            details=details,
        )
    )
    session.flush()
    progress = setup_progress.current(session)
    assert progress is not None
    assert progress.sentence == "Listening to your music: 3 of 24"
    assert (progress.share, progress.stage) == (0.1, setup_progress.EMPTY)
