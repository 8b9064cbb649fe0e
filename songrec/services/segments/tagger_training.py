"""Training the tagger on the library, and measuring it beside what is simpler."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.core.files import atomic_folder
from songrec.core.types import Floats, Ints, Progress, no_progress
from songrec.services.segments import tagger_dataset as songs
from songrec.services.segments.encoders import ByMusiCNN
from songrec.services.segments.tagger_dataset import CachedWindows, Cutting, Song
from songrec.store.models import published_weights, taggers
from songrec.tagging import cutting as cuts
from songrec.tagging.measures import majority, measures

FEWEST_SONGS = 2
READING, LEARNING = 0.1, 0.9


@dataclass(frozen=True)
class Request:
    """What to train on and how. ``size`` are fields of ``tagging.tagger.Size`` to change."""

    source: str = "musicnn"
    cutting: Cutting = field(default_factory=Cutting)
    validation_probability: float = 0.2
    by: str = "windows"
    seed: int = 0
    baselines: bool = True
    size: dict[str, Any] = field(default_factory=dict)


def train(
    session: Session, instance: Path, request: Request, on_progress: Progress = no_progress
) -> dict[str, Any]:
    """Train a tagger, keep it as the newest, and return what it says of itself.

    ``measures`` holds the figures of the windows that were held out: the ``tagger``'s, the
    ``majority``'s and, where MusiCNN's weights are, those of a logistic regression on its
    embedding of the same windows (``musicnn``). ``NotReady`` where there are too few songs or tags.
    """
    from songrec.tagging.tagger import Size, Tagger

    started = time.perf_counter()

    def share(low: float, high: float) -> Progress:
        def report(part: float, message: str, details: dict[str, Any] | None = None) -> None:
            on_progress(low + (high - low) * part, message, details)

        return report

    cutting = request.cutting
    found, unread = songs.songs(
        session, instance, cutting, share(0.0, READING), minimum=FEWEST_SONGS
    )
    labels = songs.tags_of(session, instance, request.source, found)
    session.commit()  # nothing stays locked while it learns
    found = [song for song, known in zip(found, labels.known.tolist(), strict=True) if known]
    carried = labels.carried[labels.known]
    windows = cutting.windows(found)
    kinds = cuts.assign(windows, request.validation_probability, request.seed, request.by)
    learn, check = (np.flatnonzero(kinds == k) for k in (cuts.TRAINING, cuts.VALIDATION))
    if not len(learn):
        raise NotReady("No window is left to train on: analyse more songs.")
    truth = carried[windows.song]
    pictures = CachedWindows(instance, cutting, [song.content_hash for song in found], windows)
    model = Tagger(labels.names, Size(**request.size))
    model.fit(
        pictures,
        truth.astype(np.float32),
        learn,
        check,
        seed=request.seed,
        on_progress=share(READING, LEARNING),
    )
    told: dict[str, Any] = {
        "source": request.source,
        "cutting": cutting.to_json(),
        "validation_probability": request.validation_probability,
        "by": request.by,
        "seed": request.seed,
        "songs": len(found),
        "songs_unread": unread,
        "windows": {
            "training": len(learn),
            "validation": len(check),
            "left_out": len(windows) - len(learn) - len(check),
        },
    }
    if len(check):
        told["measures"] = {
            "tagger": measures(truth[check], model.ask(pictures, check)[1], labels.names),
            "majority": measures(truth[check], majority(truth[learn], len(check)), labels.names),
        }
        if request.baselines and published_weights.is_there(instance, "musicnn"):
            embedded = _embedded(instance, cutting, found, windows, share(LEARNING, 0.98))
            said = regression(embedded, truth, learn, check)
            told["measures"]["musicnn"] = measures(truth[check], said, labels.names)
    told["seconds"] = round(time.perf_counter() - started, 1)
    with atomic_folder(taggers.new_folder(instance)) as folder:
        model.save(folder, told)
        name = folder.name.removesuffix(".partial")
    on_progress(1.0, f"Tagger {name}")
    return {
        "tagger": name,
        "tags": list(labels.names),
        "best_epoch": model.best_epoch_,
        "epochs": len(model.history_),
        **told,
    }


def regression(vectors: Floats, truth: NDArray[np.bool_], learn: Ints, check: Ints) -> Floats:
    """What a logistic regression for each tag, learnt from ``learn``, says of ``check``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(vectors[learn])
    known, asked = scaler.transform(vectors[learn]), scaler.transform(vectors[check])
    said = np.empty((len(check), truth.shape[1]), dtype=np.float32)
    for tag in range(truth.shape[1]):
        wanted = truth[learn, tag]
        if wanted.all() or not wanted.any():
            said[:, tag] = wanted[0]  # nothing to tell apart in what it may learn from
            continue
        model = LogisticRegression(C=0.01, max_iter=500).fit(known, wanted)
        said[:, tag] = model.predict_proba(asked)[:, 1]
    return said


def _embedded(
    instance: Path,
    cutting: Cutting,
    found: list[Song],
    windows: cuts.Windows,
    on_progress: Progress,
) -> Floats:
    """MusiCNN's embedding of the same windows, float32 ``(m, 753)``."""
    maker = ByMusiCNN(instance, cutting)
    starts = cutting.starts(found, windows)
    vectors = []
    for at, song in enumerate(found):
        on_progress(at / len(found), f"MusiCNN beside it: {at} of {len(found)} songs")
        heard = maker.of(song.path, song.content_hash)
        # Its frames begin elsewhere by a few milliseconds: the nearest of its windows is the same.
        mine = starts[windows.song == at]
        nearest = np.abs(heard.starts[None, :] - mine[:, None]).argmin(axis=1)
        vectors.append(heard.vectors[nearest])
    return np.concatenate(vectors)
