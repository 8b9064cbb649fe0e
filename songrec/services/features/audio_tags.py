"""A sound file's tags: decoding and the network that listens, put together."""

from __future__ import annotations

from pathlib import Path

from songrec.audio_files.decoding import decode
from songrec.core.errors import BadInput
from songrec.features.audio.musicnn import SAMPLE_RATE, MusiCNN, Tagging
from songrec.store.models.published_weights import models_folder


def tag_file(
    path: Path,
    instance: Path,
    *,
    model: str = "MTT_musicnn",
    overlap_s: float = 0.0,
    seconds: float | None = None,
) -> Tagging:
    """The tags of ``path``, all of it or at most ``seconds`` from its middle.

    Raises ``BadInput`` for a file that cannot be decoded, ``NotReady`` where the weights are
    absent and ``UnknownName`` for a ``model`` that is none.
    """
    if not path.is_file():
        raise BadInput(f"{path} is no file.")
    listener = MusiCNN(model, overlap_s, models=models_folder(instance))
    listener.folder()  # a wrong name is told before a long file is decoded
    try:
        heard = decode(path, sample_rate=SAMPLE_RATE, seconds=seconds)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
    return listener.tag(heard.audio)
