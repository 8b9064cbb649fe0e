"""Tags of a sound file, predicted by a MusiCNN network."""

from __future__ import annotations

from pathlib import Path

from songrec.audio_files.isolated import decode
from songrec.core.errors import BadInput
from songrec.features.audio.musicnn import SAMPLE_RATE, MusiCNN, TagPredictions
from songrec.store.models.published_weights import models_folder


def tag_file(
    path: Path,
    instance: Path,
    *,
    model: str = "MTT_musicnn",
    overlap_s: float = 0.0,
    seconds: float | None = None,
) -> TagPredictions:
    """Predict the tags of a file, or of at most ``seconds`` from its middle.

    Raises ``BadInput`` for a file that cannot be decoded, ``NotReady`` if the weights are not
    installed and ``UnknownName`` for an unknown ``model``.
    """
    if not path.is_file():
        raise BadInput(f"{path} is not a file.")
    network = MusiCNN(model, overlap_s, models=models_folder(instance))
    network.folder()  # a wrong name is reported before a long file is decoded
    try:
        decoded = decode(path, sample_rate=SAMPLE_RATE, seconds=seconds)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return network.tag(decoded.audio)
