"""The choice of the encoder that represents segments as vectors. Imports no model.

Encoders are compared by their cross-entropy on segments that were held out when the tagger was
trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.errors import NotReady, UnknownName
from songrec.store.models import published_weights, taggers

ENCODERS = ("best", "tagger", "musicnn", "mfcc")
"""Names of encoders; ``best`` is the available one with the best measurement."""
NO_TAGGER = "no tagger is trained"
NO_WEIGHTS = "MusiCNN’s weights are not installed"
ON_REQUEST = "as requested"


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder (``tagger``, ``musicnn`` or ``mfcc``) and why it was chosen.

    ``why`` ends a sentence such as "12 segments by the tagger: …". ``tagger`` is the folder of the
    newest tagger, None if there is none.
    """

    name: str
    why: str
    tagger: Path | None = None


def has_musicnn(instance: Path) -> bool:
    """Return whether MusiCNN's weights are installed."""
    return published_weights.is_installed(instance, "musicnn")


def choose(instance: Path, by: str = "best") -> EncoderChoice:
    """Choose the encoder for new indexes.

    ``best`` is the newest tagger, unless MusiCNN's weights are installed and a logistic regression
    on its embedding predicted the tags of the held-out segments with a lower cross-entropy. Without
    a tagger it is MusiCNN's embedding, without its weights MFCC. Raises ``NotReady`` if the
    requested encoder is not available, ``UnknownName`` if there is no such encoder.
    """
    if by not in ENCODERS:
        raise UnknownName("segment encoder", by, ENCODERS)
    tagger = taggers.newest(instance)
    has_weights = has_musicnn(instance)
    if by == "tagger" and tagger is None:
        raise NotReady("No tagger is trained yet: flask segments train")
    if by == "musicnn" and not has_weights:
        raise NotReady("MusiCNN's weights are not installed: flask models fetch musicnn")
    if by != "best":
        return EncoderChoice(by, ON_REQUEST, tagger)
    if tagger is None:
        if has_weights:
            return EncoderChoice("musicnn", NO_TAGGER)
        return EncoderChoice("mfcc", f"{NO_TAGGER}, and {NO_WEIGHTS}")
    if not has_weights:
        return EncoderChoice("tagger", NO_WEIGHTS, tagger)
    measures = taggers.read_document(tagger).get("measures") or {}
    own, other = (measures.get(name, {}).get("bce") for name in ("tagger", "musicnn"))
    if own is None or other is None:
        return EncoderChoice("tagger", "it was not compared with MusiCNN’s embedding", tagger)
    figures = f"cross-entropy {min(own, other):.3f} against {max(own, other):.3f}"
    if own <= other:
        better = "it predicts tags of held-out segments at least as well as MusiCNN’s embedding"
        return EncoderChoice("tagger", f"{better} ({figures})", tagger)
    better = "it predicts tags of held-out segments better than the tagger"
    return EncoderChoice("musicnn", f"{better} ({figures})", tagger)


def status(instance: Path) -> dict[str, Any]:
    """Describe the index in use, the newest tagger and the encoder that a new index would use."""
    choice = choose(instance)
    return {**taggers.status(instance), "best": {"made_by": choice.name, "why": choice.why}}
