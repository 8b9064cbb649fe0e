"""Whether the other excerpt of its recording comes first among the songs similar to a clip.

Every clip of the list is analysed as a track of its own and asks; all the others are candidates.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from benchmarks.studies.instance import empty_instance
from benchmarks.tables import table
from songrec.services.evaluation.clip_list import read_clip_pairs
from songrec.services.features import feature_sets
from songrec.services.library.analysis_report import AnalyzeRequest
from songrec.services.library.analyze_folder import analyze_folder
from songrec.services.similarity import audio_similarity
from songrec.store.catalogue import tracks as catalogue
from songrec.store.instance import Instance
from songrec.store.tables import AudioFile

NEEDS = ("audio/clips/clips.csv",)
LOOK = 5


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table: how often the right clip is first, or among the first five, by set."""
    folder = data / "audio" / "clips"
    pairs = [(one.resolve(), other.resolve()) for one, other in read_clip_pairs(folder)]
    with empty_instance() as (session, instance):
        names = feature_sets.default_sets(instance)
        analyze_folder(Instance(instance, session), AnalyzeRequest(folder, names))
        query = select(AudioFile.path, AudioFile.track_id)
        tracks = {Path(path): track for path, track in session.execute(query)}
        rows = []
        available = audio_similarity.available_feature_sets(instance)
        for name in (*available, audio_similarity.SOUND):
            places = []
            for pair in pairs:
                for asks, right in (pair, pair[::-1]):
                    view = catalogue.tracks_by_id(session, [tracks[asks]])[0]
                    found = audio_similarity.similar_by(
                        Instance(instance, session), view, LOOK, by=name
                    )
                    ids = [one.track.id for one in found]
                    places.append(ids.index(tracks[right]) if tracks[right] in ids else LOOK)
            first, within = places.count(0), sum(place < LOOK for place in places)
            rows.append((f"`{name}`", f"{first} of {len(places)}", within))
    return table(("set", "first", "of the first five"), rows)
