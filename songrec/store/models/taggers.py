"""Trained taggers: ``<instance>/taggers/<id>/``, written whole; the newest is the one in use."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from songrec.store.sound import segment_index

_TOLD = ("source", "by", "tags", "songs", "windows", "seed", "seconds", "best_epoch", "measures")


def folder(instance: Path) -> Path:
    """Where all taggers lie."""
    return instance / "taggers"


def newest(instance: Path) -> Path | None:
    """The folder of the newest tagger; None where none is trained."""
    base = folder(instance)
    found = [path.parent for path in base.glob("*/tagger.json")] if base.is_dir() else []
    found = [path for path in found if not path.name.endswith(".partial")]
    return max(found, key=lambda path: path.name, default=None)


def told(tagger: Path) -> dict[str, Any]:
    """What a tagger's document says: source, tags, how songs were cut, history, measures."""
    return dict(json.loads((tagger / "tagger.json").read_text(encoding="utf-8")))


@contextlib.contextmanager
def written_whole(instance: Path) -> Iterator[Path]:
    """A folder to write a tagger into; its name sorts by time. A block that raises leaves none."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}"
    draft = folder(instance) / f"{name}.partial"
    draft.mkdir(parents=True)
    try:
        yield draft
        draft.rename(folder(instance) / name)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def status(instance: Path) -> dict[str, Any]:
    """The index of fragments in use and the newest tagger, each None where there is none."""
    found, tagger = newest(instance), None
    if found is not None:
        document = told(found)
        tagger = {"tagger": found.name, **{name: document.get(name) for name in _TOLD}}
    return {"index": segment_index.manifest(instance), "tagger": tagger}
