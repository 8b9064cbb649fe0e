"""From words to songs that sound like them, through the hybrid model's latent. Heavy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import FeatureTable, Floats, Ints, Progress, no_progress
from songrec.evaluation.pairs import recall_at
from songrec.features.lyrics.cleaning import clean
from songrec.representation import REPRESENTATIONS
from songrec.services.similarity.word_search import WordMatch
from songrec.services.training import model_inputs
from songrec.store.catalogue import tracks
from songrec.store.runs import run_folders, runs

REPRESENTATION = "hybrid_conv_vae"
RECALL_AT = 10
MIN_PAIRS = 20


def search_by_sound(session: Session, instance: Path, words: str, n: int = 20) -> list[WordMatch]:
    """The published run's songs that lie nearest to ``words`` in its latent, by cosine.

    ``NotReady`` where the published run is none of sound and words; ``BadInput`` where the model
    knows none of the words.
    """
    run = runs.published(session)
    if run is None or run.representation != REPRESENTATION:
        raise NotReady(
            "Words are compared with sounds in a run on both: flask train --features "
            f"{model_inputs.SPECTROGRAM_SET} --representation {REPRESENTATION}"
        )
    folder = run_folders.run_folder(instance, run.public_id)
    model = REPRESENTATIONS.entry(REPRESENTATION).load().load(folder)
    model_inputs.hand_over_folders(model, instance)
    if not model.has_words([words])[0]:
        raise BadInput(f"No lyrics that this run learnt from have any of these words: {words!r}.")
    latent = run_folders.read_array(instance, run.public_id, "latent.npy", mapped=False)
    ids = run_folders.read_array(instance, run.public_id, "track_ids.npy", mapped=False)
    alike = _unit(model.encode(texts=[words]))[0] @ _unit(latent).T
    best = np.lexsort((ids, -alike))[:n]
    views = {view.id: view for view in tracks.tracks_by_id(session, ids[best].tolist(), run)}
    return [
        WordMatch(views[track], float(alike[row]), ())
        for row, track in zip(best.tolist(), ids[best].tolist(), strict=True)
        if track in views
    ]


def evaluate_retrieval(
    session: Session,
    instance: Path,
    *,
    share: float = 0.2,
    epochs: int = 30,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Recall@10 on pairs of sound and lyrics that the model has not seen, beside chance.

    A fresh model learns from the other tracks with spectrograms; those held out are encoded by
    their lyrics alone and by their sound alone, and each looks for its own among all held out.
    ``parameters`` are the model's where they differ from its defaults.
    ``NotReady`` with fewer than ``MIN_PAIRS`` pairs.
    """
    from songrec.services.features import feature_sets
    from songrec.store.catalogue import lyrics
    from songrec.store.sound import spectrograms

    key = feature_sets.most_common_settings(session, model_inputs.SPECTROGRAM_SET)
    ids = np.fromiter(spectrograms.tracks(session, instance, key), dtype=np.int64)
    given = lyrics.texts_of(session, ids)
    texts = [clean(given.get(track)) for track in ids.tolist()]
    pairs = np.flatnonzero([text is not None for text in texts])
    if len(pairs) < MIN_PAIRS:
        raise NotReady(
            f"{len(pairs)} songs have both lyrics and a spectrogram; at least {MIN_PAIRS} are "
            f"needed: flask analyze DIR --features {model_inputs.SPECTROGRAM_SET}"
        )
    order = np.random.default_rng(seed).permutation(pairs)
    held_out = np.sort(order[: max(2, round(share * len(pairs)))])
    learn = np.setdiff1d(np.arange(len(ids)), held_out)

    def pictures(rows: Ints) -> Any:
        return spectrograms.of_tracks(session, instance, key, ids[rows])

    model = REPRESENTATIONS.create(REPRESENTATION, epochs=epochs, **(parameters or {}))
    model_inputs.hand_over_folders(model, instance)
    table = FeatureTable(
        ids[learn], (), np.empty((len(learn), 0), np.float32), model_inputs.SPECTROGRAM_SET
    )
    model.fit(
        table,
        seed=seed,
        on_progress=on_progress,
        spectrograms=pictures(learn),
        texts=[texts[row] for row in learn],
    )
    words = _unit(model.encode(texts=[texts[row] for row in held_out]))
    sound = _unit(model.encode(spectrograms=pictures(held_out)))
    return {
        "learnt_from": len(learn),
        "held_out": len(held_out),
        "words_to_sound": recall_at(words @ sound.T, RECALL_AT),
        "sound_to_words": recall_at(sound @ words.T, RECALL_AT),
        "chance": min(1.0, RECALL_AT / len(held_out)),
        "epochs": epochs,
        "seed": seed,
    }


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
