"""How audio is cut and looked at: every parameter of every audio feature set, in one place.

Changing one makes other feature vectors, and only of the sets that depend on it: ``digest`` is
what the cache files them under.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from songrec.core.errors import UnknownName


@dataclass(frozen=True)
class AudioSettings:
    """What is read of a file, and how it is analysed.

    ``sample_rate`` in Hz; at most ``seconds`` (None: all) are read from the ``where`` of the file
    (``"middle"`` or ``"start"``); the spectra are taken over ``n_fft`` samples every
    ``hop_length`` samples, summed into ``n_mels`` bands, of which ``n_mfcc`` cepstral coefficients
    are made. ``musicnn_…`` and ``mert_…`` are the parameters of those networks: ``OWN_PARAMETERS``
    says which of each.
    """

    sample_rate: int = 22_050
    seconds: float | None = 30.0
    where: str = "middle"
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    n_mfcc: int = 13
    musicnn_model: str = "MSD_musicnn"
    musicnn_overlap_s: float = 0.0
    musicnn_pooling: str = "mean"
    mert_layer: int = -1


DEFAULTS = AudioSettings()

_EXCERPT = ("seconds", "where")
_SPECTRA = ("sample_rate", *_EXCERPT, "n_fft", "hop_length")
DEPENDS_ON: dict[str, tuple[str, ...]] = {
    "mfcc": (*_SPECTRA, "n_mels", "n_mfcc"),
    "statistical": _SPECTRA,
    "melspectrogram": (*_SPECTRA, "n_mels"),
    "musicnn": (*_EXCERPT, "musicnn_model", "musicnn_overlap_s", "musicnn_pooling"),
    "musicnn_tags": (*_EXCERPT, "musicnn_model", "musicnn_overlap_s"),
    "mert": (*_EXCERPT, "mert_layer"),
    "encodecmae": _EXCERPT,
    "genre": (),
}
"""Which settings each feature set depends on. The networks have a sample rate of their own."""

OWN_PARAMETERS: dict[str, str] = {
    "musicnn_model": "model",
    "musicnn_overlap_s": "overlap_s",
    "musicnn_pooling": "pooling",
    "mert_layer": "layer",
}
"""Settings of one network alone, by what its extractor calls them."""

OWN_RATES: dict[str, int] = {
    "musicnn": 16_000,
    "musicnn_tags": 16_000,
    "mert": 24_000,
    "encodecmae": 24_000,
}
"""Hz that published networks were trained at, whatever the settings say."""


def sample_rate_of(name: str, settings: AudioSettings = DEFAULTS) -> int:
    """The sample rate in Hz at which the feature set ``name`` wants its audio."""
    return OWN_RATES.get(name, settings.sample_rate)


def parameters_of(name: str, settings: AudioSettings = DEFAULTS) -> dict[str, Any]:
    """Those ``settings`` that the feature set ``name`` depends on; ``UnknownName`` otherwise."""
    if name not in DEPENDS_ON:
        raise UnknownName("feature set", name, DEPENDS_ON)
    values = asdict(settings)
    return {key: values[key] for key in DEPENDS_ON[name]}


def digest(
    name: str, settings: AudioSettings = DEFAULTS, own: Mapping[str, Any] | None = None
) -> str:
    """16 hexadecimal digits for all that ``name`` depends on; ``own`` adds a set's own parameters.

    Equal settings give equal digests on every machine and in every version of Python.
    """
    what = {**parameters_of(name, settings), **(own or {})}
    text = json.dumps(dict(_plain(what)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def _plain(what: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """30 and 30.0 seconds are the same."""
    for key, value in what.items():
        whole = isinstance(value, float) and value.is_integer()
        yield key, int(value) if whole else value
