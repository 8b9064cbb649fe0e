"""Estimation of musical attributes from tag probabilities, without a trained predictor.

``MSD`` and ``MTT`` are the typical attribute values of songs with a tag; an estimate is the mean
over the tags, weighted by their probabilities, then spread (``MSD_GAINS``, ``MTT_GAINS``).
docs/prediction.md says where the values come from and how good the estimates are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats

VERSION = 2
"""Raised with any change of the tables, so that estimates are updated."""

ATTRIBUTES = (
    "energy",
    "positiveness",
    "danceability",
    "acousticness",
    "instrumentalness",
    "speechiness",
)
"""Estimated attributes, in the order of the columns of the tables."""

PRIOR = (0.55, 0.46, 0.56, 0.40, 0.35, 0.07)
"""Prior values, between the means of a catalogue of hits and one of free music."""
PRIOR_WEIGHT = 0.05
POWER = 1.5
"""Exponent of probabilities, so that many unlikely tags do not outweigh a likely one."""
LIMIT = 1e-3
"""Least distance of an estimate from 0 and 1 before it is spread."""
MIN_EVIDENCE = 0.15
"""Smallest Σ p of the tags with a value; below it the attribute stays unknown."""

_ = None
TagValues = tuple[float | None, ...]

MSD: dict[str, TagValues] = {
    "rock": (0.70, _, 0.48, 0.25, 0.15, 0.05),
    "pop": (0.62, 0.55, 0.64, 0.30, 0.08, 0.06),
    "alternative": (0.66, _, 0.50, 0.20, 0.12, 0.05),
    "indie": (0.58, _, 0.52, 0.30, 0.20, 0.05),
    "electronic": (0.68, _, 0.66, 0.12, 0.65, 0.07),
    "female vocalists": (0.48, _, 0.54, 0.42, 0.04, 0.06),
    "dance": (0.82, 0.55, 0.76, 0.07, 0.25, 0.08),
    "alternative rock": (0.74, _, 0.48, 0.12, 0.08, 0.05),
    "jazz": (0.35, _, 0.52, 0.75, 0.60, 0.05),
    "beautiful": (0.30, 0.30, 0.38, 0.65, _, _),
    "metal": (0.90, 0.32, 0.40, 0.03, 0.25, 0.08),
    "chillout": (0.40, _, 0.60, 0.35, 0.70, 0.06),
    "male vocalists": (0.55, _, 0.52, 0.35, 0.04, 0.06),
    "classic rock": (0.68, 0.58, 0.52, 0.20, 0.08, 0.05),
    "soul": (0.52, 0.58, 0.64, 0.35, 0.08, 0.08),
    "indie rock": (0.70, _, 0.50, 0.15, 0.12, 0.05),
    "Mellow": (0.28, 0.35, 0.50, 0.65, 0.25, 0.04),
    "electronica": (0.62, _, 0.66, 0.15, 0.65, 0.07),
    "folk": (0.28, 0.35, 0.42, 0.85, 0.25, 0.05),
    "chill": (0.38, _, 0.60, 0.45, 0.45, 0.06),
    "instrumental": (0.40, 0.38, 0.45, 0.60, 0.90, 0.05),
    "punk": (0.90, _, 0.42, 0.05, 0.08, 0.08),
    "oldies": (0.48, 0.62, 0.52, 0.60, 0.08, 0.05),
    "blues": (0.45, _, 0.55, 0.60, 0.20, 0.05),
    "hard rock": (0.83, _, 0.48, 0.06, 0.06, 0.07),
    "ambient": (0.20, 0.18, 0.35, 0.70, 0.85, 0.05),
    "acoustic": (0.28, _, 0.50, 0.85, 0.12, 0.05),
    "experimental": (0.50, 0.30, 0.45, 0.40, 0.65, 0.08),
    "female vocalist": (0.48, _, 0.54, 0.42, 0.04, 0.06),
    "guitar": (0.40, _, 0.48, 0.65, 0.50, 0.05),
    "Hip-Hop": (0.66, 0.54, 0.74, 0.18, 0.08, 0.24),
    "party": (0.80, 0.65, 0.76, 0.10, 0.08, 0.10),
    "country": (0.55, 0.58, 0.58, 0.40, 0.05, 0.04),
    "easy listening": (0.35, _, 0.52, 0.65, 0.15, 0.04),
    "sexy": (0.55, _, 0.70, _, 0.10, 0.08),
    "catchy": (0.70, 0.65, 0.68, 0.18, 0.05, 0.06),
    "funk": (0.68, 0.72, 0.76, 0.20, 0.20, 0.08),
    "electro": (0.78, _, 0.72, 0.07, 0.45, 0.08),
    "heavy metal": (0.90, 0.38, 0.40, 0.03, 0.12, 0.08),
    "Progressive rock": (0.60, 0.38, 0.40, 0.25, 0.35, 0.05),
    "rnb": (0.60, _, 0.70, 0.22, 0.04, 0.12),
    "indie pop": (0.60, 0.55, 0.60, 0.25, 0.10, 0.05),
    "sad": (0.22, 0.18, 0.42, 0.75, 0.15, 0.04),
    "House": (0.82, _, 0.76, 0.06, 0.55, 0.07),
    "happy": (0.68, 0.82, 0.66, 0.30, 0.05, 0.06),
}
"""Tags of the Million Song Dataset; decades are left out, which do not describe the sound.

Most genres are neither cheerful nor sad: near the middle they have no word on positiveness.
"""

_VOICE: TagValues = (_, _, _, _, 0.05, _)
_NO_VOICE: TagValues = (_, _, _, _, 0.92, _)
MTT: dict[str, TagValues] = {
    "guitar": (0.45, 0.45, 0.47, 0.60, 0.55, _),
    "classical": (0.20, 0.28, 0.30, 0.95, 0.88, _),
    "slow": (0.22, 0.25, 0.38, 0.70, _, _),
    "techno": (0.82, 0.42, 0.75, 0.05, 0.80, _),
    "strings": (0.25, 0.25, 0.28, 0.90, 0.80, _),
    "drums": (0.68, 0.50, 0.60, 0.25, _, _),
    "electronic": (0.66, 0.42, 0.66, 0.12, 0.75, _),
    "rock": (0.80, 0.50, 0.48, 0.08, 0.25, _),
    "fast": (0.80, 0.55, 0.58, _, _, _),
    "piano": (0.25, 0.30, 0.38, 0.90, 0.75, _),
    "ambient": (0.20, 0.18, 0.35, 0.65, 0.88, _),
    "beat": (0.70, 0.50, 0.72, 0.15, _, _),
    "violin": (0.25, 0.30, 0.30, 0.92, 0.80, _),
    "synth": (0.55, 0.40, 0.58, 0.20, 0.70, _),
    "indian": (0.40, 0.45, 0.45, 0.75, 0.40, _),
    "opera": (0.25, 0.20, 0.22, 0.95, 0.12, _),
    "harpsichord": (0.40, 0.60, 0.38, 0.95, 0.90, _),
    "loud": (0.90, 0.45, _, 0.05, _, _),
    "quiet": (0.12, 0.25, 0.35, 0.85, _, _),
    "flute": (0.25, 0.35, 0.35, 0.90, 0.75, _),
    "pop": (0.68, 0.58, 0.64, 0.20, 0.08, _),
    "soft": (0.18, 0.30, 0.38, 0.85, _, _),
    "sitar": (0.35, 0.40, 0.40, 0.85, 0.70, _),
    "solo": (0.25, 0.30, 0.35, 0.88, 0.80, _),
    "classic": (0.25, 0.30, 0.32, 0.92, 0.85, _),
    "choir": (0.20, 0.20, 0.22, 0.92, 0.12, _),
    "new age": (0.18, 0.20, 0.32, 0.75, 0.85, _),
    "dance": (0.82, 0.55, 0.78, 0.06, 0.50, _),
    "beats": (0.70, 0.50, 0.74, 0.12, _, _),
    "harp": (0.15, 0.25, 0.30, 0.95, 0.85, _),
    "cello": (0.20, 0.20, 0.25, 0.93, 0.80, _),
    "country": (0.55, 0.60, 0.55, 0.45, 0.08, _),
    "metal": (0.92, 0.32, 0.40, 0.03, 0.30, _),
    "choral": (0.18, 0.20, 0.20, 0.93, 0.12, _),
    **dict.fromkeys(
        (
            "vocal",
            "female",
            "male",
            "singing",
            "vocals",
            "woman",
            "male vocal",
            "man",
            "voice",
            "male voice",
            "female vocal",
            "female voice",
        ),
        _VOICE,
    ),
    **dict.fromkeys(("no vocals", "no vocal", "no voice"), _NO_VOICE),
}
"""Tags of MagnaTagATune. None of them separates speech from song."""


MSD_GAINS = (3.7, 4.0, 2.2, 2.9, 1.0, 1.0)
MTT_GAINS = (1.7, 4.0, 1.1, 1.25, 1.0, 1.0)
"""Gain of each of ``ATTRIBUTES`` by network, see ``spread``.

Weighted means lie closer to the middle than songs do. With these gains the estimates of 147
recordings have the standard deviation of VibeNet's; positiveness would need more than 6, which
costs its R², and 4 does not. Where two halves of the recordings gave different gains, or
there are none, it is 1.
"""


def spread(estimate: NDArray[np.float64], prior: float, gain: float) -> NDArray[np.float64]:
    """Multiply the distance of estimates to the prior by ``gain``, in log-odds.

    Values stay within 0 and 1 and in their order, and the prior stays where it is.
    """
    centre = np.log(prior / (1 - prior))
    limited = np.clip(estimate, LIMIT, 1 - LIMIT)
    odds = np.log(limited / (1 - limited))
    return 1 / (1 + np.exp(-(centre + gain * (odds - centre))))


def attributes(
    tags: Sequence[str], probabilities: Floats, *, calibrate: bool = True
) -> dict[str, Floats]:
    """Estimate attributes from tag probabilities.

    Parameters
    ----------
    tags
        Those of the network: ``MSD_musicnn`` or ``MTT_musicnn``.
    probabilities
        ``(n, len(tags))``, from 0 to 1, independent of each other.
    calibrate
        Whether the means over the tags are spread by the gains of the network.

    Returns
    -------
    float32 ``(n,)`` by attribute, NaN where unknown.
    """
    table, gains = (MTT, MTT_GAINS) if "no vocals" in tags else (MSD, MSD_GAINS)
    empty: TagValues = (None,) * len(ATTRIBUTES)
    values = np.array([table.get(tag, empty) for tag in tags], dtype=np.float64)
    evidence = np.asarray(probabilities, dtype=np.float64)
    weights = evidence**POWER
    estimates = {}
    for column, name in enumerate(ATTRIBUTES):
        has_value = ~np.isnan(values[:, column])
        total = weights[:, has_value] @ values[has_value, column] + PRIOR_WEIGHT * PRIOR[column]
        estimate = total / (weights[:, has_value].sum(axis=1) + PRIOR_WEIGHT)
        if calibrate:
            estimate = spread(estimate, PRIOR[column], gains[column])
        estimate[~(evidence[:, has_value].sum(axis=1) >= MIN_EVIDENCE)] = np.nan
        estimates[name] = estimate.astype(np.float32)
    return estimates
