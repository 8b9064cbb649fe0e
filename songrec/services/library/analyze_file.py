"""Analysis of a single audio file, for uploads, with the feature cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy.orm import Session

from songrec.audio_files.file_scan import ScannedFile, content_hash
from songrec.audio_files.path_labels import labels_of
from songrec.core.config import tag_encoding
from songrec.core.errors import BadInput
from songrec.core.feature_spec import FeatureSpec
from songrec.core.files import modified_ns
from songrec.core.types import Floats
from songrec.features.extraction import Extractor, make_extractors
from songrec.features.registry import with_companions
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.services.features.feature_sets import (
    DEFAULT_SETS,
    key_of,
    library_settings,
    write_columns,
)
from songrec.services.library import audio_tracks
from songrec.services.library.worker_process import TIME_LIMIT_S, Outcome, Task, WorkerProcess
from songrec.store.instance import Instance
from songrec.store.sound import feature_cache
from songrec.store.tables import AudioFile


def analyse_file(
    worker: WorkerProcess,
    path: Path,
    *,
    sets: FeatureSpec = DEFAULT_SETS,
    settings: AudioSettings = DEFAULTS,
    time_limit_s: float = TIME_LIMIT_S,
) -> Outcome:
    """Decode, read tags and extract ``sets`` in a process that may be killed. Writes nothing.

    Raises ``BadInput`` with one line of reason for a file that cannot be used, ``NotReady`` for a
    feature set that cannot be extracted here.
    """
    names = with_companions(sets).names
    task = Task(
        str(path), str(path.parent), "", names, asdict(settings), time_limit_s, tag_encoding()
    )
    outcome = worker.analyse(task)
    if outcome.reason is not None:
        raise BadInput(f"{path.name} {outcome.reason}.")
    return outcome


@dataclass(frozen=True)
class AnalysedFile:
    """Tags, properties and features of a file, with the settings of each feature set.

    ``description`` has ``tags`` and ``decoded`` as in ``Outcome``, which the cache does not store.
    """

    content_hash: str
    description: dict[str, Any]
    arrays: Mapping[str, Floats]
    settings: Mapping[str, AudioSettings]

    def columns(self) -> dict[str, float]:
        """Return the feature vectors as ``"set:column"``."""
        return {
            f"{name}:{column}": float(value)
            for name, extractor in self.extractors().items()
            if self.arrays[name].ndim == 1
            for column, value in zip(extractor.names(), self.arrays[name], strict=True)
        }

    def extractors(self) -> dict[str, Extractor]:
        """Return the extractors of the sets, by name."""
        return {name: make_extractors([name], self.settings[name])[name] for name in self.arrays}


def analyse_like_the_library(
    instance: Instance,
    worker: WorkerProcess,
    path: Path,
    sets: FeatureSpec,
    fixed: Mapping[str, AudioSettings] = MappingProxyType({}),
    description: dict[str, Any] | None = None,
) -> AnalysedFile:
    """Analyse a file by the settings that most tracks of the library were analysed with.

    Otherwise it could not be compared with them. ``fixed`` are other settings, by the set's name:
    those of a run that it is to be placed in. Only sets that the cache lacks are extracted, and
    written there; with the ``description`` of an earlier analysis that may be none at all. Raises
    as ``analyse_file`` does.
    """
    digest = content_hash(path)
    arrays: dict[str, Floats] = {}
    settings: dict[str, AudioSettings] = {}
    for names, chosen in library_settings(instance, with_companions(sets), fixed):
        keys = {name: key_of(name, chosen) for name in names}
        missing = {
            key.name for key in feature_cache.missing_sets(instance.folder, keys.values(), digest)
        }
        if missing or description is None:
            outcome = analyse_file(worker, path, sets=names, settings=chosen)
            if description is None:
                description = {"tags": outcome.tags, "decoded": outcome.decoded}
            for name in names:
                feature_cache.write(instance.folder, keys[name], digest, outcome.arrays[name])
        settings |= dict.fromkeys(names, chosen)
        arrays |= {
            name: feature_cache.read(instance.folder, key, digest) for name, key in keys.items()
        }
    assert description is not None
    return AnalysedFile(digest, description, arrays, settings)


def keep_file(session: Session, path: Path, analysed: AnalysedFile) -> AudioFile:
    """Add the row and the track of an analysed file, which may have been copied. Flushes.

    A file whose content the library has already becomes that track.
    """
    status = path.stat()
    place = ScannedFile(path.resolve(), status.st_size, modified_ns(status))
    folder = place.path.parent
    outcome = Outcome(
        labels=asdict(labels_of(place.path, folder, track=analysed.description["tags"]["track"])),
        arrays=dict(analysed.arrays),
        **analysed.description,
    )
    return audio_tracks.record(
        session, folder, place, analysed.content_hash, outcome, encoding=tag_encoding()
    )


def record_vectors(instance: Instance, analysed: AnalysedFile) -> None:
    """Record the cached vectors of a file that stays. The caller commits."""
    for name, extractor in analysed.extractors().items():
        key = key_of(name, analysed.settings[name])
        write_columns(instance.folder, key, extractor.names(), analysed.settings[name])
        feature_cache.record(instance.session, key, analysed.content_hash)
