"""Text-to-audio retrieval in the latent of the hybrid model. Heavy: imports the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import FeatureTable, Floats, Ints, Progress, no_progress
from songrec.evaluation.pairs import recall_at
from songrec.features.lyrics.cleaning import clean
from songrec.representation import REPRESENTATIONS
from songrec.services.similarity.word_search import WordMatch
from songrec.services.training import model_inputs
from songrec.store.catalogue import tracks
from songrec.store.instance import Instance
from songrec.store.runs import run_folders, runs

REPRESENTATION = "hybrid_conv_vae"
RECALL_AT = 10
MIN_PAIRS = 20


def search_by_sound(instance: Instance, words: str, n: int = 20) -> list[WordMatch]:
    """Return the published run's songs nearest to ``words`` in its latent, by cosine.

    Raises
    ------
    NotReady
        If the published run was not trained on sound and lyrics.
    BadInput
        If the model's vocabulary has none of the words.
    """
    run = runs.published(instance.session)
    if run is None or run.representation != REPRESENTATION:
        raise NotReady(
            "The published run does not compare words with sounds; train on both: flask train "
            f"--features {model_inputs.SPECTROGRAM_SET} --representation {REPRESENTATION}"
        )
    folder = run_folders.run_folder(instance.folder, run.public_id)
    model = REPRESENTATIONS.entry(REPRESENTATION).load().load(folder)
    model_inputs.hand_over_folders(model, instance.folder)
    if not model.has_words([words])[0]:
        raise BadInput(
            f"None of these words occur in the lyrics that the run was trained on: {words!r}."
        )
    latent = run_folders.read_array(instance.folder, run.public_id, "latent.npy", mapped=False)
    ids = run_folders.read_array(instance.folder, run.public_id, "track_ids.npy", mapped=False)
    cosines = _unit(model.encode(texts=[words]))[0] @ _unit(latent).T
    best = np.lexsort((ids, -cosines))[:n]
    views = {
        view.id: view for view in tracks.tracks_by_id(instance.session, ids[best].tolist(), run)
    }
    return [
        WordMatch(views[track], float(cosines[row]), ())
        for row, track in zip(best.tolist(), ids[best].tolist(), strict=True)
        if track in views
    ]


def evaluate_retrieval(
    instance: Instance,
    *,
    share: float = 0.2,
    epochs: int = 30,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Measure recall@10 of retrieval between sound and lyrics on held-out tracks.

    A new model is trained on the other tracks with spectrograms. Held-out tracks are encoded by
    their lyrics alone and by their sound alone; each encoding searches for its counterpart.

    Parameters
    ----------
    share
        Part of the tracks with both that is held out.
    parameters
        Parameters of the model that differ from its defaults.

    Raises
    ------
    NotReady
        With fewer than ``MIN_PAIRS`` tracks with both.
    """
    from songrec.services.features import feature_sets
    from songrec.store.catalogue import lyrics
    from songrec.store.sound import spectrograms

    key = feature_sets.most_common_settings(instance.session, model_inputs.SPECTROGRAM_SET)
    ids = np.fromiter(spectrograms.tracks(instance, key), dtype=np.int64)
    raw = lyrics.texts_of(instance.session, ids)
    texts = [clean(raw.get(track)) for track in ids.tolist()]
    pairs = np.flatnonzero([text is not None for text in texts])
    if len(pairs) < MIN_PAIRS:
        raise NotReady(
            f"{len(pairs)} songs have both lyrics and a spectrogram; at least {MIN_PAIRS} are "
            f"needed: flask analyze DIR --features {model_inputs.SPECTROGRAM_SET}"
        )
    order = np.random.default_rng(seed).permutation(pairs)
    held_out = np.sort(order[: max(2, round(share * len(pairs)))])
    fitted = np.setdiff1d(np.arange(len(ids)), held_out)

    def read(rows: Ints) -> Any:
        return spectrograms.of_tracks(instance, key, ids[rows])

    model = REPRESENTATIONS.create(REPRESENTATION, epochs=epochs, **(parameters or {}))
    model_inputs.hand_over_folders(model, instance.folder)
    table = FeatureTable(
        ids[fitted], (), np.empty((len(fitted), 0), np.float32), model_inputs.SPECTROGRAM_SET
    )
    model.fit(
        table,
        seed=seed,
        on_progress=on_progress,
        spectrograms=read(fitted),
        texts=[texts[row] for row in fitted],
    )
    words = _unit(model.encode(texts=[texts[row] for row in held_out]))
    sound = _unit(model.encode(spectrograms=read(held_out)))
    return {
        "learnt_from": len(fitted),
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
