"""Analysis of sound files in a child process that may be killed over any of them.

The child decodes, reads tags and extracts features of one file after another; native decoders
could not be stopped otherwise.
"""

from __future__ import annotations

import tempfile
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.errors import BadInput, NotReady, SongrecError
from songrec.core.isolation import START_LIMIT_S, IsolatedProcess, Limits, Stopped
from songrec.core.types import Floats
from songrec.features.audio.musicnn import TagPredictions

TIME_LIMIT_S = 120.0
MEMORY_BYTES = 4 * 2**30
"""A file that takes more memory than this is rejected."""
_PREPARE = Limits(START_LIMIT_S, MEMORY_BYTES)


@dataclass(frozen=True)
class Task:
    """A file to analyse, with feature sets and the fields of ``AudioSettings``.

    ``tag_encoding`` is the encoding of tags that declare none. ``is_counted``: whether the names
    of the files in its folder begin with track numbers. ``part`` are the fields of the
    ``AlbumPart`` to analyse. ``cached_by`` is the ``DECODER_VERSION`` of vectors in the cache;
    nothing is extracted if it decodes the same samples as the present one.
    """

    path: str
    root: str
    content_hash: str
    sets: tuple[str, ...]
    settings: dict[str, Any]
    time_limit_s: float = TIME_LIMIT_S
    tag_encoding: str | None = None
    is_counted: bool = False
    part: dict[str, Any] | None = None
    cached_by: int | None = None


@dataclass(frozen=True)
class Outcome:
    """The analysis of a file (``reason`` None), or one line of reason why it was rejected.

    A reason is ``passing`` if another attempt may succeed. ``labels`` come from the path,
    ``decoded`` describes the sound, ``arrays`` are the features by set.
    """

    reason: str | None = None
    passing: bool = False
    tags: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    decoded: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Floats] = field(default_factory=dict)
    seconds: float = 0.0


def request_of(task: Task) -> dict[str, Any]:
    """Return the child's request for a task (``try_to_analyse``)."""
    names = ("path", "root", "settings", "tag_encoding", "is_counted", "part", "cached_by")
    return {"sets": list(task.sets), **{name: getattr(task, name) for name in names}}


class WorkerProcess:
    """A child that is started with the first file, and again after it was lost."""

    def __init__(self) -> None:
        self._process = IsolatedProcess()
        self._sets: frozenset[str] = frozenset()
        self._settings: dict[str, Any] = {}

    @property
    def pid(self) -> int | None:
        """The child's process id, None if it is not running."""
        return self._process.pid

    def analyse(self, task: Task) -> Outcome:
        """Analyse one file within its time limit.

        Raises ``NotReady`` for an extractor that cannot be created, regardless of the file.
        """
        self._prepare(task)
        limits = Limits(task.time_limit_s, MEMORY_BYTES)
        try:
            answer = self._process.call(try_to_analyse, request_of(task), limits=limits)
        except Stopped as error:
            return Outcome(str(error), passing=error.passing)
        return Outcome(**answer)

    def tag(self, path: Path, instance: Path, model: str, seconds: float) -> TagPredictions:
        """Tag at most ``seconds`` from the middle of a file over time, with MusiCNN.

        Raises ``BadInput`` for a file that cannot be tagged, ``NotReady`` without weights.
        """
        limits = Limits(START_LIMIT_S, MEMORY_BYTES)
        try:
            answer = self._process.call(
                _tag, str(path), str(instance), model, seconds, limits=limits
            )
        except Stopped as error:
            raise BadInput(f"{path.name} {error}.") from None
        return TagPredictions(
            tuple(answer["tags"]), length_s=answer["length_s"], **answer["arrays"]
        )

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child, even during an analysis."""
        self._process.close()

    def _prepare(self, task: Task) -> None:
        if (
            self._process.is_running
            and self._settings == task.settings
            and self._sets.issuperset(task.sets)
        ):
            return
        try:
            self._process.call(prepare, task.sets, task.settings, limits=_PREPARE)
        except BadInput as error:
            raise NotReady(str(error)) from None
        self._sets, self._settings = frozenset(task.sets), task.settings


_here = threading.local()
_all: set[WorkerProcess] = set()
_lock = threading.Lock()


def analyse_here(task: Task) -> Outcome:
    """Analyse with this thread's own child process, also on the workers of a cluster."""
    worker = getattr(_here, "worker", None)
    if worker is None:
        worker = _here.worker = WorkerProcess()
    with _lock:
        _all.add(worker)
    try:
        return worker.analyse(task)
    except SongrecError:
        raise
    except Exception as error:  # noqa: BLE001 - an answer that cannot be read ends no analysis
        worker.close()
        return Outcome(describe_failure(error), passing=True)


def describe_failure(error: BaseException) -> str:
    """Describe an unexpected error over one file, in one line."""
    words = " ".join(str(error).split())[:200]
    return f"could not be analysed ({type(error).__name__}: {words})"


def close_all() -> None:
    """End the child processes of all threads of this process."""
    with _lock:
        workers = list(_all)
        _all.clear()
    for worker in workers:
        worker.close()


_extractors: dict[str, Any] = {}
"""Of the child: those of the latest ``prepare``."""


def prepare(sets: Sequence[str], settings: dict[str, Any]) -> None:
    """Make the extractors of the files to come, in the child, and import what reads them."""
    from songrec.audio_files import cutting, decoding, tags  # noqa: F401 - no file's time and memory

    warnings.simplefilter("ignore")
    _extractors.clear()
    _extractors.update(_make_extractors(sets, settings))


def try_to_analyse(
    request: Mapping[str, Any], extractors: Mapping[str, Any] = _extractors
) -> dict[str, Any]:
    """Analyse one file; returns the fields of its ``Outcome``."""
    start = time.perf_counter()
    chosen = {name: extractors[name] for name in request["sets"]}
    try:
        answer = _analyse(request, chosen)
    except BadInput as error:
        return {"reason": str(error), "passing": isinstance(error, Stopped) and error.passing}
    except (SongrecError, MemoryError):
        raise  # for example missing weights, not an error of the file
    except Exception as error:  # noqa: BLE001 - one odd file must not end the others' analysis
        return {
            "reason": describe_failure(error),
            "passing": True,  # ours more likely than the file's: try again with another version
        }
    return {**answer, "seconds": round(time.perf_counter() - start, 3)}


def _tag(path: str, instance: str, model: str, seconds: float) -> dict[str, Any]:
    from songrec.services.features.audio_tags import tag_file

    tagging = tag_file(Path(path), Path(instance), model=model, seconds=seconds)
    arrays = {name: getattr(tagging, name) for name in ("times_s", "probabilities", "embeddings")}
    return {"tags": tagging.tags, "length_s": tagging.length_s, "arrays": arrays}


def _make_extractors(sets: Sequence[str], settings: dict[str, Any]) -> dict[str, Any]:
    from songrec.core.config import instance_path
    from songrec.features.extraction import make_extractors
    from songrec.features.settings import AudioSettings
    from songrec.store.models.published_weights import models_folder

    models = models_folder(instance_path())
    extractors = make_extractors(sets, AudioSettings(**settings), models)
    for extractor in extractors.values():
        if hasattr(extractor, "warm"):
            extractor.warm()  # its start does not count towards a file's time limit
    return extractors


def _analyse(request: Mapping[str, Any], extractors: Mapping[str, Any]) -> dict[str, Any]:
    """Decode, read tags and extract features; ``BadInput`` for a file that cannot be used."""
    if request["part"] is None:
        return _analyse_sound(request, extractors, Path(request["path"]))
    from songrec.audio_files.cue_sheets import AlbumPart, tags_of
    from songrec.audio_files.cutting import cut
    from songrec.audio_files.tags import FileTags

    part = AlbumPart(**request["part"])
    with tempfile.TemporaryDirectory(prefix="songrec-") as folder:
        sound = Path(folder) / "part.flac"
        codec = cut(Path(request["path"]), part.start_s, part.end_s, sound)
        answer = _analyse_sound(request, extractors, sound)
    answer["decoded"]["codec"] = codec
    answer["tags"] = asdict(tags_of(part, FileTags(**answer["tags"])))
    return answer


def _analyse_sound(
    request: Mapping[str, Any], extractors: Mapping[str, Any], sound: Path
) -> dict[str, Any]:
    """Analyse ``sound``, which is the file or its part, with the tags of the file."""
    from songrec.audio_files.decoding import SoundFile
    from songrec.audio_files.path_labels import labels_of
    from songrec.audio_files.tags import read_tags
    from songrec.features.extraction import extract_all
    from songrec.features.registry import sample_rate_of
    from songrec.features.settings import AudioSettings

    path, root = Path(request["path"]), Path(request["root"])
    settings = AudioSettings(**request["settings"])
    by_rate: dict[int, dict[str, Any]] = {}
    for name, extractor in extractors.items():
        by_rate.setdefault(sample_rate_of(name, settings), {})[name] = extractor
    arrays: dict[str, Any] = {}
    decoded = None
    rates = sorted(by_rate, key=lambda rate: rate != settings.sample_rate)
    file = SoundFile(sound, rates)
    for rate in rates or [settings.sample_rate]:
        at_rate = file.decode(sample_rate=rate, seconds=settings.seconds, where=settings.where)
        decoded = decoded or at_rate
        if request["cached_by"] is not None and decoded.since <= request["cached_by"]:
            break
        arrays |= extract_all(at_rate.audio, by_rate.get(rate, {}))
    assert decoded is not None
    encoding = request["tag_encoding"]
    tags = read_tags(path, encoding)
    tags = tags.filled(decoded.metadata, encoding)
    for name, array in arrays.items():
        if np.isinf(array).any():
            raise BadInput(f"gives infinite values for {name}")
    return {
        "tags": asdict(tags),
        "labels": asdict(
            labels_of(path, root, is_counted=bool(request.get("is_counted")), track=tags.track)
        ),
        "decoded": {
            "duration_s": decoded.audio.duration_s,
            "start_s": decoded.audio.start_s,
            "excerpt_s": round(decoded.seconds, 3),
            "channels": decoded.channels,
            "sample_rate": decoded.source_rate,
            "codec": decoded.codec,
            "container": decoded.container,
            "since": decoded.since,
            "notes": [*decoded.notes, *tags.notes],
        },
        "arrays": arrays,
    }
