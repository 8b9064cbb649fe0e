"""Trained taggers, ``<instance>/taggers/<id>/``, written atomically; the newest is in use."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from songrec.core.files import is_partial
from songrec.store.sound import segment_index

_STATUS_FIELDS = (
    "source",
    "by",
    "tags",
    "songs",
    "windows",
    "seed",
    "seconds",
    "best_epoch",
    "measures",
)


def folder(instance: Path) -> Path:
    """Return the folder of all taggers."""
    return instance / "taggers"


def newest(instance: Path) -> Path | None:
    """Return the folder of the newest tagger; None if none is trained."""
    base = folder(instance)
    folders = [path.parent for path in base.glob("*/tagger.json")] if base.is_dir() else []
    folders = [path for path in folders if not is_partial(path)]
    return max(folders, key=lambda path: path.name, default=None)


def read_document(tagger: Path) -> dict[str, Any]:
    """Read a tagger's document: source, tags, segment settings, history, measures."""
    return dict(json.loads((tagger / "tagger.json").read_text(encoding="utf-8")))


def new_folder(instance: Path) -> Path:
    """Return the path of a tagger to be written; names sort by time."""
    return folder(instance) / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}"


def status(instance: Path) -> dict[str, Any]:
    """Return the segment index in use and the newest tagger, each None if it does not exist."""
    newest_folder, tagger = newest(instance), None
    if newest_folder is not None:
        document = read_document(newest_folder)
        tagger = {
            "tagger": newest_folder.name,
            **{name: document.get(name) for name in _STATUS_FIELDS},
        }
    return {"index": segment_index.manifest(instance), "tagger": tagger}
