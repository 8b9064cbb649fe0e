"""Request and report of a folder's analysis."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from songrec.core.feature_spec import FeatureSpec
from songrec.features.settings import DEFAULTS, AudioSettings
from songrec.services.features.feature_sets import DEFAULT_SETS
from songrec.services.library.worker_process import TIME_LIMIT_S


@dataclass(frozen=True)
class AnalyzeRequest:
    """Folder and settings of an analysis; ``workers`` None is one a core, ``scheduler`` dask's.

    With ``list_first`` new files are listed before any is analysed, so that they can be played.
    Of a folder with more than four times ``sample`` files only that many are looked at, from all
    over it: enough for a first impression.
    """

    folder: Path
    features: FeatureSpec = DEFAULT_SETS
    workers: int | None = None
    scheduler: str | None = None
    settings: AudioSettings = DEFAULTS
    time_limit_s: float = TIME_LIMIT_S
    list_first: bool = False
    sample: int | None = None


_SEGMENT_FIELDS = (
    "job_id",
    "added",
    "removed",
    "tracks",
    "fragments",
    "made_by",
    "problem",
    "seconds_taken",
)


@dataclass
class AnalyzeReport:
    """Counts of the files: ``found`` is ``analysed + unchanged + len(rejected)``.

    ``unchanged`` includes files that were only moved. ``missing`` counts files that have vanished
    since the last analysis; ``alike`` new tracks with the name of an earlier one. ``ignored``
    counts files and folders that contain no songs according to their names, by kind
    (``audio_files.ignored_names``). Of the unchanged files ``tags_read_again`` have new tags,
    because a setting, a lyrics file or a cue sheet has changed. ``notes`` are (path, remark):
    irregular sound or decoding (``DecodedAudio.notes``), corrected or guessed tags, and unusable
    files beside songs. ``suspected_encodings`` counts files whose tags seem to have another
    encoding than the one used. ``segments`` is the ``job_id`` of the job that updates the index of
    segments, or the report of ``refresh_after_analysis``; None if the index is up to date.
    ``is_sample``: only some files of the folder were analysed (``AnalyzeRequest.sample``).
    """

    folder: Path
    is_sample: bool = False
    found: int = 0
    analysed: int = 0
    unchanged: int = 0
    missing: int = 0
    alike: int = 0
    rejected: list[tuple[str, str]] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)
    tags_read_again: int = 0
    notes: list[tuple[str, str]] = field(default_factory=list)
    suspected_encodings: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    segments: dict[str, Any] | None = None

    @property
    def done(self) -> int:
        """Number of files that are analysed, unchanged or rejected."""
        return self.analysed + self.unchanged + len(self.rejected)

    def to_json(self) -> dict[str, Any]:
        """The report as ``flask analyze --json`` prints it."""
        return {
            "found": self.found,
            "analysed": self.analysed,
            "unchanged": self.unchanged,
            "missing": self.missing,
            "alike": self.alike,
            "rejected": [{"path": path, "reason": reason} for path, reason in self.rejected],
            "ignored": self.ignored,
            "tags_read_again": self.tags_read_again,
            "suspected_encodings": dict(self.suspected_encodings),
            "notes": [{"path": path, "note": note} for path, note in self.notes],
            "seconds": round(self.seconds, 3),
            "fragments": self.segments
            and {name: value for name, value in self.segments.items() if name in _SEGMENT_FIELDS},
        }
