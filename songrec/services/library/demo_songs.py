"""Detection of demo songs in a library. Light, because the admin's pages call it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from songrec.core.config import ROOT
from songrec.services.library.own_folders import DEMO_MUSIC
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile, Track

DEMO = "demo"
"""Value for the demo catalogue or the demo music in place of a path."""
DEMO_CATALOGUE = ROOT / "data" / "preprocess.csv"


def music_folder(instance: Path) -> Path:
    """Return the folder of an instance's demo music."""
    return instance / DEMO_MUSIC


def music_root(instance: Instance) -> str:
    """Return the recorded root of the files of the demo music."""
    return str(music_folder(instance.folder).resolve())


def has_demo(instance: Instance) -> bool:
    """Return whether the library has demo music, or a catalogue that may be the demo's."""
    session = instance.session
    music = select(AudioFile.id).where(AudioFile.root == music_root(instance))
    if session.scalar(music.limit(1)) is not None:
        return True
    demo = select(Track.id).where(Track.source == DEMO_CATALOGUE.stem)
    return session.scalar(demo.limit(1)) is not None
