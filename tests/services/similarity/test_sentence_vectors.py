"""Words that mean a concept of sound: by planted vectors, and by the real ones where installed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from songrec.core.errors import NotReady
from songrec.services.similarity import sentence_vectors, sound_word_search
from songrec.services.similarity.sentence_vectors import NAMES, ConceptVectors
from songrec.services.similarity.sound_vocabulary import CONCEPTS, concepts_in, unnamed_phrases
from songrec.store.instance import Instance
from tests.factories import make_track

WIDTH = len(CONCEPTS) + 1
NUMBERS = {concept.name: number for number, concept in enumerate(CONCEPTS)}
needs_package = pytest.mark.skipif(
    not sentence_vectors.is_installed(), reason="requirements/sentences.txt is not installed"
)


def planted(name: str, noise: float = 0.0) -> np.ndarray:
    """A vector that points to the concept ``name`` and, as all do, into a direction of its own."""
    vector = np.zeros(WIDTH, dtype=np.float32)
    vector[-1] = 5.0
    if name:
        vector[NUMBERS[name]] = 1.0
    return vector + noise * np.random.default_rng(0).normal(size=WIDTH).astype(np.float32)


@pytest.fixture
def vectors() -> ConceptVectors:
    return ConceptVectors.of(np.stack([planted(CONCEPTS[number].name) for number, _ in NAMES]))


@pytest.fixture
def phrases(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Sentence vectors by a dictionary of two phrases; returns what was embedded of searches."""
    meanings = {"tearjerker": "sad", "ivories": "piano", "lady singing": "female voice"}
    meanings |= {name: CONCEPTS[number].name for number, name in NAMES}
    seen: list[str] = []

    def embed(texts: list[str]) -> np.ndarray:
        seen.extend(text for text in texts if len(texts) < len(NAMES))
        return np.stack([planted(meanings.get(text, "")) for text in texts])

    monkeypatch.setattr(sentence_vectors, "is_installed", lambda: True)
    monkeypatch.setattr(sentence_vectors, "version", lambda _: "planted")
    monkeypatch.setattr(sentence_vectors, "embed", embed)
    sentence_vectors._read_or_compute.cache_clear()
    yield seen
    sentence_vectors._read_or_compute.cache_clear()


def test_a_phrase_means_the_nearest_concept(vectors: ConceptVectors) -> None:
    for name in ("piano", "hip hop", "for rain"):
        meant = vectors.nearest(planted(name, noise=0.05))
        assert meant is not None
        assert meant.name == name


def test_a_phrase_near_no_concept_means_none(vectors: ConceptVectors) -> None:
    assert vectors.nearest(planted("")) is None
    assert vectors.nearest(vectors.centre) is None


def test_a_name_that_is_held_out_is_told_by_the_others_of_its_concept(
    vectors: ConceptVectors,
) -> None:
    at = next(at for at, (_, name) in enumerate(NAMES) if name == "klavier")
    meant = vectors.nearest(planted("piano"), held_out=at)
    assert meant is not None
    assert meant.name == "piano"
    alone = next(at for at, (_, name) in enumerate(NAMES) if name == "jazz")
    assert vectors.nearest(planted("jazz"), held_out=alone) is None


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("sad piano at night", []),
        ("tearjerker", ["tearjerker"]),
        (
            "something to cheer me up with a Piano please",
            ["something to cheer me up with a", "please"],
        ),
        ("", []),
    ],
)
def test_what_is_not_named_stays_together(text: str, phrases: list[str]) -> None:
    assert unnamed_phrases(text) == phrases


def test_a_search_has_the_concepts_that_its_words_name_and_mean(
    instance, session, phrases: list[str]
) -> None:
    here = Instance(instance, session)

    def concepts(words: str) -> list[str]:
        return [concept.name for concept in sound_word_search.concepts_of(here, words)]

    assert concepts("tearjerker") == ["sad"]
    assert concepts("ivories at night") == ["at night", "piano"]
    assert concepts("piano for the ivories") == ["piano"]
    assert concepts("lady singing") == ["singing", "female voice"]
    assert concepts("xylophone") == []
    assert concepts("songs about the piano") == ["piano"]
    assert "songs about the" not in phrases
    assert (instance / sentence_vectors.FILE).is_file()


def test_vectors_of_names_are_computed_once_and_anew_if_the_file_is_damaged(
    instance, session, phrases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sentence_vectors.concept_vectors(instance)
    sentence_vectors._read_or_compute.cache_clear()
    (instance / sentence_vectors.FILE).write_bytes(b"damaged")
    np.testing.assert_array_equal(sentence_vectors.concept_vectors(instance).names, first.names)
    sentence_vectors._read_or_compute.cache_clear()
    monkeypatch.setattr(sentence_vectors, "embed", lambda texts: pytest.fail("computed again"))
    np.testing.assert_array_equal(sentence_vectors.concept_vectors(instance).names, first.names)


def test_without_the_package_only_names_count(
    instance, session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentence_vectors, "is_installed", lambda: False)
    here = Instance(instance, session)
    assert [c.name for c in sound_word_search.concepts_of(here, "tearjerker on piano")] == ["piano"]
    with pytest.raises(NotReady, match="are not installed"):
        sound_word_search.evaluate_reworded(here)


def test_held_out_names_are_counted(instance, session, phrases: list[str]) -> None:
    make_track(session, "A song")
    measures = sound_word_search.evaluate_reworded(Instance(instance, session))
    assert (measures["right"], measures["wrong"], measures["none"]) == (1.0, 0.0, 0.0)
    assert measures["recall_at_10"] is None


@needs_package
def test_the_real_vectors_understand_other_words_in_several_languages(instance) -> None:
    searches = {
        "lady singing": "female voice",
        "Gitarrenmusik": "guitar",
        "tranquila y relajada": "calm",
        "furieux": "angry",
    }
    assert all(not concepts_in(text) for text in ("Gitarrenmusik", "furieux"))
    meant = sentence_vectors.concepts_meant(instance, list(searches))
    assert [concept.name for concept in meant] == list(searches.values())
    assert sentence_vectors.concepts_meant(instance, ["Paranoid Android"]) == []


def test_the_command_prints_what_became_of_held_out_names(app, session, phrases: list[str]) -> None:
    runner = app.test_cli_runner()
    printed = runner.invoke(args=["evaluate", "words", "--reworded"])
    assert printed.exit_code == 0
    assert printed.output.splitlines()[1:] == [
        "  right        1.000",
        "  wrong        0.000",
        "  none         0.000",
    ]
    measures = json.loads(runner.invoke(args=["evaluate", "words", "--reworded", "--json"]).output)
    assert (measures["right"], measures["names_with_labels"]) == (1.0, 0)


def test_the_command_says_what_to_install(app, session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_vectors, "is_installed", lambda: False)
    failed = app.test_cli_runner().invoke(args=["evaluate", "words", "--reworded"])
    assert failed.exit_code == 1
    assert "requirements/sentences.txt" in failed.output
    assert failed.output.count("\n") == 1
