"""Words prepared, kept up to date, searched and compared; made-up lyrics throughout."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, Cancelled, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.evaluation.pairs import recall_at
from songrec.services.features import feature_sets
from songrec.services.similarity import text_to_audio
from songrec.services.similarity import word_search as words
from songrec.services.training import model_inputs
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.catalogue import lyrics_search, lyrics_vectors
from songrec.store.catalogue.lyrics_query import parse_query
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile, Lyrics, Tag, Track, TrackTag, TrackWords
from tests.factories import make_track
from tests.spectrograms import BANDS, songs

ENGLISH = "the lanterns are burning tonight and I am waiting at the harbour for you"
GERMAN = "die Laternen brennen heute Nacht und ich warte am Hafen auf dich, mein Herz"


def sing(session: Session, title: str, lines: str | None, *genres: str) -> Track:
    track = make_track(session, title=title, genres=genres)
    if lines:
        session.add(Lyrics(track_id=track.id, text=lines))
    session.commit()
    return track


def found(session: Session, said: str) -> list[str]:
    return [answer.track.title for answer in words.search_words(session, said)]


def languages(session: Session, track: Track) -> list[str]:
    query = select(Tag.name).join(TrackTag, TrackTag.tag_id == Tag.id)
    return list(session.scalars(query.where(TrackTag.track_id == track.id, Tag.kind == "language")))


def test_languages_become_tags_and_what_is_not_sung_finds_nothing(
    app: Flask, session: Session
) -> None:
    one = sing(session, "One", f"[Chorus]\n{ENGLISH}", "folk")
    two = sing(session, "Two", GERMAN, "folk")
    sing(session, "Three", None)
    done = words.prepare_lyrics(Instance(app.config["INSTANCE"], session))
    assert (done.tracks, done.changed, done.with_lyrics) == (3, 2, 2)
    assert done.languages == {"english": 1, "german": 1}
    assert languages(session, one) == ["english"]
    assert languages(session, two) == ["german"]
    assert found(session, "chorus") == []
    assert model_inputs.labels_of(session, "language", np.array([one.id, two.id])) == [
        "english",
        "german",
    ]


def test_only_what_changed_is_prepared_again(app: Flask, session: Session) -> None:
    instance: Path = app.config["INSTANCE"]
    one = sing(session, "One", ENGLISH, "folk")
    two = sing(session, "Two", GERMAN)
    words.prepare_lyrics(Instance(instance, session))
    written = lyrics_vectors.path_of(instance).stat().st_mtime_ns
    assert words.prepare_lyrics(Instance(instance, session)).changed == 0
    assert lyrics_vectors.path_of(instance).stat().st_mtime_ns == written
    session.get_one(Lyrics, one.id).text = GERMAN
    session.delete(session.get_one(Lyrics, two.id))
    session.commit()
    assert words.prepare_lyrics(Instance(instance, session)).changed == 2
    assert languages(session, one) == ["german"]
    assert languages(session, two) == []
    assert found(session, "harbour") == []
    assert found(session, "hafen") == ["One"]
    # The index agrees with its table; an error is raised where it does not.
    if session.get_bind().dialect.name == "sqlite":
        session.execute(
            text("INSERT INTO words_search(words_search, rank) VALUES('integrity-check', 1)")
        )
    session.delete(session.get_one(Track, one.id))
    session.commit()
    assert found(session, "hafen") == []


def test_stopped_in_the_middle_it_goes_on_there(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("songrec.store.catalogue.lyrics.BATCH", 2)
    for number in range(5):
        sing(session, f"Song {number}", f"{ENGLISH} number{number}")

    def stop(share: float, message: str, details: object = None) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        words.prepare_lyrics(Instance(app.config["INSTANCE"], session), stop)
    session.rollback()
    assert len(session.scalars(select(TrackWords)).all()) == 2
    assert words.prepare_lyrics(Instance(app.config["INSTANCE"], session)).changed == 3
    assert found(session, "number4") == ["Song 4"]


class TestSearching:
    """Order, stems, tags and odd words."""

    @pytest.fixture(autouse=True)
    def catalogue(self, app: Flask, session: Session) -> None:
        sing(session, "Quiet", "a slow piano plays at night while the city sleeps", "sad")
        sing(session, "Loud", "night night night night night night", "metal")
        sing(session, "Keys", "my piano is broken and the piano man is gone", "jazz")
        sing(session, "Plain", None, "jazz")
        words.prepare_lyrics(Instance(app.config["INSTANCE"], session))

    def test_songs_that_match_more_of_the_words_come_first(self, session: Session) -> None:
        assert found(session, "sad piano at night")[0] == "Quiet"
        assert set(found(session, "sad piano at night")) == {"Quiet", "Loud", "Keys"}

    def test_what_matched_is_told_and_nothing_more(self, session: Session) -> None:
        (best, *_) = lyrics_search.search(session, "Sadness, PIANOS!")
        assert best.matched == {"tags": ("sad",), "lyrics": ("piano",)}
        assert best.words == ("sad", "piano")

    def test_tags_are_found_without_lyrics(self, session: Session) -> None:
        assert set(found(session, "jazz")) == {"Keys", "Plain"}

    def test_a_search_of_small_words_alone_keeps_them(self) -> None:
        def said(words: str) -> list[str]:
            return [word.text for word in parse_query(words)]

        assert said("sad piano at night") == ["sad", "piano", "night"]
        assert said("to be or") == ["to", "be", "or"]
        assert said("I'm feeling blue, don’t stop") == ["feeling", "blue", "stop"]
        assert said("_ % ' \"") == []

    def test_two_common_words_outweigh_a_rare_one_and_a_rare_one_a_common_one(
        self, app: Flask, session: Session
    ) -> None:
        for number in range(12):
            sing(session, f"Many {number}", "night river city lights again and again")
        sing(session, "Rare", "a harpsichord in an empty hall at noon")
        words.prepare_lyrics(Instance(app.config["INSTANCE"], session))
        assert found(session, "harpsichord night")[0] == "Rare"
        assert found(session, "harpsichord night river")[0].startswith("Many")

    def test_words_for_a_mood_find_songs_tagged_with_it(self, app: Flask, session: Session) -> None:
        track = sing(session, "Upset", "they took the last of the bread from our table")
        session.add(emotion := Tag(kind="emotion", name="anger"))
        session.flush()
        session.add(TrackTag(track_id=track.id, tag_id=emotion.id))
        sing(session, "Spoken", "anger is a word in this one and nothing more")
        session.commit()
        words.prepare_lyrics(Instance(app.config["INSTANCE"], session))
        assert found(session, "furious") == ["Upset"]
        assert set(found(session, "anger")) == {"Upset", "Spoken"}

    def test_where_nobody_sings_a_word_words_that_begin_so_are_found(
        self, session: Session
    ) -> None:
        assert found(session, "slee") == ["Quiet"]
        assert found(session, "sle") == []

    def test_the_syntax_of_the_index_is_not_the_searchers(self, session: Session) -> None:
        for said in ('"', "NOT", "night OR", "words:night", "nig*", "(", "NEAR(a b)", "-night"):
            words.search_words(session, said)
        assert found(session, "") == []


@pytest.mark.parametrize(
    ("sung", "hits", "misses"),
    [
        (
            "夜の東京タワーで君を待つ",
            ("東京", "東京タワー", "待つ", "つ", "君"),
            ("京東", "大阪", "朝"),
        ),
        ("안녕 내 사랑을 기억해 줘 오늘 밤", ("사랑", "기억", "밤"), ("랑사", "아침")),
        ("คืนนี้ฉันคิดถึงเธอเหลือเกิน", ("คิดถึง", "คืน", "เธอ"), ("ดาว", "ถึงคิด")),
        ("月亮代表我的心 在夜里", ("月亮", "代表我", "心", "在夜里"), ("亮月", "太阳")),
    ],
)
def test_scripts_without_spaces_are_found_by_any_stretch_of_them(
    app: Flask, session: Session, sung: str, hits: tuple[str, ...], misses: tuple[str, ...]
) -> None:
    sing(session, "Right", sung)
    sing(session, "Other", ENGLISH)
    words.prepare_lyrics(Instance(app.config["INSTANCE"], session))
    for said in hits:
        assert found(session, said) == ["Right"], said
    for said in misses:
        assert found(session, said) == [], said
    (hit,) = lyrics_search.search(session, hits[0])
    assert hit.words == (hits[0],)


def test_lyrics_prepared_before_pairs_were_written_are_prepared_once_more(
    app: Flask, session: Session
) -> None:
    track = sing(session, "東京", "夜の東京タワーで君を待つ")
    plain = sing(session, "Plain", ENGLISH)
    words.prepare_lyrics(Instance(app.config["INSTANCE"], session))
    for each in (track, plain):
        said = "\0".join((each.title, "", session.get_one(Lyrics, each.id).text))
        digest = hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
        session.get_one(TrackWords, each.id).digest = digest
    session.commit()
    assert words.prepare_lyrics(Instance(app.config["INSTANCE"], session)).changed == 1


def test_lyrics_on_one_theme_are_alike(app: Flask, session: Session) -> None:
    instance: Path = app.config["INSTANCE"]
    one = sing(session, "Sea 1", "harbour lanterns gulls sailing waves quay")
    sing(session, "Fire 1", "furnace iron hammers glowing sparks anvil")
    sing(session, "Sea 2", "sailing waves gulls over the quay, harbour of lanterns")
    sing(session, "Fire 2", "iron sparks and hammers, anvil in the furnace glowing")
    silent = sing(session, "Silent", None, "ambient")
    with pytest.raises(NotReady, match="flask words"):
        words.similar_lyrics(Instance(instance, session), one.id)
    words.prepare_lyrics(Instance(instance, session))
    answers = words.similar_lyrics(Instance(instance, session), one.id)
    assert answers[0].track.title == "Sea 2"
    assert 0.5 < answers[0].score <= 1.001
    with pytest.raises(NotReady, match="no lyrics"):
        words.similar_lyrics(Instance(instance, session), silent.id)


@pytest.fixture
def pairs(app: Flask, session: Session) -> list[int]:
    """Songs whose made-up lyrics say how their spectrograms look."""
    instance: Path = app.config["INSTANCE"]
    key = feature_sets.key_of("melspectrogram")
    feature_cache.write_columns(instance, key, [f"mel_{band}" for band in range(BANDS)])
    ids = []
    for number, (picture, said) in enumerate(zip(*songs(150), strict=True)):
        track = make_track(session, tempo=80.0 + number)
        digest = f"{number:064x}"
        session.add(
            AudioFile(
                public_id=f"f{number}",
                track_id=track.id,
                root="/m",
                path=f"/m/{number}",
                content_hash=digest,
                size=1,
                modified_ns=1,
                state="analysed",
                info={},
            )
        )
        feature_cache.write(instance, key, digest, picture)
        feature_cache.record(session, key, digest)
        session.add(Lyrics(track_id=track.id, text=said))
        ids.append(track.id)
    session.commit()
    return ids


def test_pairs_held_out_find_each_other_above_chance(
    app: Flask, session: Session, pairs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from songrec.representation.hybrid_conv_vae import HybridConvVAE

    monkeypatch.setattr(
        text_to_audio.REPRESENTATIONS,
        "create",
        lambda name, **given: HybridConvVAE(
            bands=16,
            frames=24,
            filters=4,
            units=32,
            latent=8,
            text_size=24,
            learning_rate=3e-3,
            **given,
        ),
    )
    measured = text_to_audio.evaluate_retrieval(
        Instance(app.config["INSTANCE"], session), share=0.3, epochs=25, seed=1
    )
    assert (measured["learnt_from"], measured["held_out"]) == (105, 45)
    assert measured["chance"] == pytest.approx(10 / 45)
    assert measured["words_to_sound"] > 1.8 * measured["chance"]
    assert measured["sound_to_words"] > 1.8 * measured["chance"]
    json.dumps(measured)


def test_words_find_songs_by_their_sound(app: Flask, session: Session, pairs: list[int]) -> None:
    instance: Path = app.config["INSTANCE"]
    with pytest.raises(NotReady, match="--representation hybrid_conv_vae"):
        text_to_audio.search_by_sound(Instance(instance, session), "pitch3")
    parameters = {
        "representation": {
            "bands": 16,
            "frames": 24,
            "filters": 4,
            "units": 32,
            "latent": 8,
            "text_size": 24,
            "learning_rate": 3e-3,
            "epochs": 25,
        },
        "clustering": {"n_clusters": 4},
    }
    train(
        Instance(instance, session),
        TrainRequest(
            feature_set=FeatureSpec(("melspectrogram",)),
            representation="hybrid_conv_vae",
            parameters=parameters,
        ),
    )
    session.commit()
    _, texts = songs(150)
    answers = text_to_audio.search_by_sound(Instance(instance, session), "pitch3 pitch3", 10)
    right = ["pitch3 " in f"{texts[pairs.index(answer.track.id)]} " for answer in answers]
    everywhere = np.mean(["pitch3 " in f"{said} " for said in texts])
    assert np.mean(right) > 3 * everywhere
    with pytest.raises(BadInput, match="None of these words"):
        text_to_audio.search_by_sound(Instance(instance, session), "unheard")


def test_too_few_pairs_are_told(app: Flask, session: Session) -> None:
    with pytest.raises(NotReady, match="0 tracks have"):
        text_to_audio.evaluate_retrieval(Instance(app.config["INSTANCE"], session))


def test_recall_counts_ties_against_what_cannot_tell_pairs_apart() -> None:
    alike = np.array([[0.9, 0.1, 0.0], [0.8, 0.5, 0.1], [0.2, 0.2, 0.2]], dtype=np.float32)
    assert recall_at(alike, 1) == pytest.approx(1 / 3)
    assert recall_at(alike, 2) == pytest.approx(2 / 3)
    assert recall_at(alike, 3) == 1.0


def test_the_commands_answer(app: Flask, session: Session) -> None:
    runner = app.test_cli_runner()
    one = sing(session, "Harbour", f"{ENGLISH} secretline", "folk")
    sing(session, "Hafen", f"{GERMAN} harbour", "folk")
    said = runner.invoke(args=["words", "--json"])
    assert json.loads(said.output)["with_lyrics"] == 2
    answer = runner.invoke(args=["search", "harbour", "lanterns", "--json"])
    rows = json.loads(answer.output)
    assert [row["title"] for row in rows] == ["Harbour", "Hafen"]
    assert rows[0]["words"] == ["harbour", "lanterns"]
    assert "secretline" not in answer.output
    assert runner.invoke(args=["search", "--like", one.public_id]).exit_code == 0
    assert runner.invoke(args=["search"]).exit_code == 2
    wrong = runner.invoke(args=["search", "rain", "--by-sound"])
    assert wrong.exit_code == 1
    assert "flask train" in wrong.output
    assert runner.invoke(args=["evaluate", "words"]).exit_code == 1
