"""Which models and feature sets this catalogue can train, and why not the others.

Light: nothing is read but counts, and no extractor or algorithm is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from songrec.core.feature_spec import AUTO, FeatureSpec
from songrec.core.registry import Entry
from songrec.features.attribute_table import COVERAGE
from songrec.features.registry import ATTRIBUTES, EXTRACTORS
from songrec.services.training.algorithms import REPRESENTATIONS
from songrec.services.training.dataset import MIN_TRACKS
from songrec.services.training.model_inputs import SPECTROGRAM_SET
from songrec.store.catalogue import training_inputs
from songrec.store.sound import imported_features

LABELS, TEXTS, SPECTROGRAMS = "labels", "texts", "spectrograms"
CONDITION = "condition"
"""Name of the parameter for the kind of labels of a model."""


@dataclass(frozen=True)
class Availability:
    """Reasons why models, features and labels are unavailable, by name.

    ``feature_sets`` are keyed by the text of a ``FeatureSpec``, ``labels`` by the kind of tag.
    """

    feature_sets: dict[str, str]
    representations: dict[str, str]
    labels: dict[str, str]


def availability(session: Session, feature_specs: Iterable[str]) -> Availability:
    """Return what of ``feature_specs`` and of the representations cannot be trained."""
    specs = {text: FeatureSpec.parse(text) for text in feature_specs}
    names = {ATTRIBUTES, SPECTROGRAM_SET, *(name for spec in specs.values() for name in spec)}
    sets = {name: _why_no_set(session, name) for name in sorted(names)}
    kinds = {
        kind
        for entry in REPRESENTATIONS
        if entry.has_parameter(CONDITION)
        for kind in entry.parameter(CONDITION).choices
    }
    existing = training_inputs.tag_kinds(session, sorted(kinds))
    labels = {kind: f"No song has a label of the kind {kind}." for kind in kinds - existing}
    reasons = {
        LABELS: "" if existing else "No song has a genre, an emotion or a language.",
        TEXTS: "" if training_inputs.has_lyrics(session) else "No song has lyrics.",
        SPECTROGRAMS: sets[SPECTROGRAM_SET],
    }
    features = {
        text: next((sets[name] for name in spec if sets[name]), "") for text, spec in specs.items()
    }
    vectors = [features[text] for text, spec in specs.items() if SPECTROGRAM_SET not in spec]
    no_vectors = sets[ATTRIBUTES] if all(vectors) else ""
    features[str(AUTO)] = sets[ATTRIBUTES]
    return Availability(
        {text: reason for text, reason in features.items() if reason},
        {
            entry.name: reason
            for entry in REPRESENTATIONS
            if (reason := _why_not(entry, reasons, no_vectors))
        },
        labels,
    )


def _why_not(entry: Entry, reasons: dict[str, str], no_vectors: str) -> str:
    """Return why a representation cannot be trained on any features; empty if it can."""
    for name in entry.required_inputs:
        if reasons.get(name):
            return reasons[name]
    return "" if SPECTROGRAMS in entry.required_inputs else no_vectors


def _why_no_set(session: Session, name: str) -> str:
    if name == ATTRIBUTES:
        if training_inputs.best_attribute_share(session) >= COVERAGE:
            return ""
        return f"Every attribute is missing from more than {1 - COVERAGE:.0%} of the songs."
    entry = EXTRACTORS.entry(name)
    if entry.is_imported:
        has_enough = imported_features.track_count(session, name) >= MIN_TRACKS
        return "" if has_enough else f"No analysis of {entry.label} was imported."
    if not entry.from_audio:
        return ""
    number = training_inputs.tracks_with_set(session, name, MIN_TRACKS)
    if number >= MIN_TRACKS:
        return ""
    if not number:
        return f"No song was analysed with {entry.label}."
    return f"Only {number} songs were analysed with {entry.label}; it takes {MIN_TRACKS}."
