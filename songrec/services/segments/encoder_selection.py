"""What stands for a segment: chosen by what was measured on windows held out. Light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.errors import NotReady, UnknownName
from songrec.store.models import published_weights, taggers

WAYS = ("best", "tagger", "musicnn", "mfcc")
"""What may be asked for; ``best`` is what is measured best of what is there."""
NO_TAGGER = "no tagger is trained"
ASKED_FOR = "as it was asked for"


@dataclass(frozen=True)
class Choice:
    """``name`` is ``tagger``, ``musicnn`` or ``mfcc``; ``why`` the end of a sentence about it;
    ``tagger`` the folder of the newest one.
    """

    name: str
    why: str
    tagger: Path | None = None


def choose(instance: Path, by: str = "best") -> Choice:
    """What ``flask segments tag`` would take now.

    ``best`` is the newest tagger, unless MusiCNN's weights are there and a logistic regression on
    its embedding told the tags of the windows held out better (a lower cross-entropy): then a
    vector that was learnt from hundreds of thousands of songs is the better one. Without a tagger
    it is MusiCNN's embedding, without its weights cepstra. Raises ``NotReady`` for what is not
    there, ``UnknownName`` for anything else.
    """
    if by not in WAYS:
        raise UnknownName("way to compare segments", by, WAYS)
    found = taggers.newest(instance)
    has_weights = published_weights.is_there(instance, "musicnn")
    if by == "tagger" and found is None:
        raise NotReady("No tagger is trained yet: flask segments train")
    if by == "musicnn" and not has_weights:
        raise NotReady("MusiCNN's weights are not there: flask models fetch musicnn")
    if by != "best":
        return Choice(by, ASKED_FOR, found)
    if found is None:
        if has_weights:
            return Choice("musicnn", NO_TAGGER)
        return Choice("mfcc", f"{NO_TAGGER}, and MusiCNN’s weights are not there")
    if not has_weights:
        return Choice("tagger", "MusiCNN’s weights are not there", found)
    told = taggers.told(found).get("measures") or {}
    mine, other = (told.get(name, {}).get("bce") for name in ("tagger", "musicnn"))
    if mine is None or other is None:
        return Choice("tagger", "it was not measured beside MusiCNN’s embedding", found)
    figures = f"cross-entropy {min(mine, other):.3f} against {max(mine, other):.3f}"
    if mine <= other:
        better = "it tells tags of windows held out at least as well as MusiCNN’s embedding does"
        return Choice("tagger", f"{better} ({figures})", found)
    better = "it tells tags of windows held out better than the tagger does"
    return Choice("musicnn", f"{better} ({figures})", found)


def status(instance: Path) -> dict[str, Any]:
    """The index in use, the newest tagger, and what songs would be cut by now."""
    choice = choose(instance)
    return {**taggers.status(instance), "best": {"made_by": choice.name, "why": choice.why}}
