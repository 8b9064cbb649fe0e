"""Columns of the feature sets that are imported and not extracted."""

from __future__ import annotations

from songrec.features.audio.musicnn_tags import MSD_TAGS

MOODS = ("danceable", "aggressive", "happy", "party", "relaxed", "sad")
"""What AudioMuse-AI scores by comparing a song with words."""


class AudioMuse:
    """AudioMuse-AI's embedding: 200 values of MusiCNN's dense layer, mean over the patches."""

    version = 1

    def names(self) -> tuple[str, ...]:
        """Return a name per value."""
        return tuple(f"dense_{at:03d}" for at in range(200))


class AudioMuseMoods:
    """AudioMuse-AI's figures: energy (of the level in dB, 0 to 1), six moods, MusiCNN's tags.

    Of the tags only the likeliest few are known; the others count as ``UNNAMED``.
    """

    version = 1
    UNNAMED = 0.5
    """The least that a tag can have: AudioMuse-AI's figures go through a sigmoid twice."""

    def names(self) -> tuple[str, ...]:
        """Return a name per value."""
        return ("energy", *MOODS, *(f"tag {name}" for name in MSD_TAGS))
