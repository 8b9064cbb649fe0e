"""Traits of songs: the attributes in which a song differs most from the catalogue."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import BY_NAME, format_attribute
from songrec.core.types import Space
from songrec.recommend.space_statistics import statistics_of

N_TRAITS = 3
# Whether a song is explicit says little about its sound, and half of all songs tie.
NOT_TRAITS = ("explicit",)


@dataclass(frozen=True, slots=True)
class Trait:
    """An attribute in which a song stands out.

    ``share`` (0 to 1) of the catalogue lies below its value, and ``text`` says so: "calmer than
    83% of the catalogue".
    """

    name: str
    label: str
    value: str
    text: str
    share: float


def song_traits(space: Space, rows: NDArray[np.int64]) -> list[list[dict[str, Any]]]:
    """Return for each of ``rows`` its three most unusual attributes as JSON, best first."""
    names = [name for name in space.value_names if name in BY_NAME and name not in NOT_TRAITS]
    if not names or not len(rows):
        return [[] for _ in rows]
    distributions = statistics_of(space).distributions
    values = np.asarray(space.values[rows])[:, [space.value_names.index(n) for n in names]]
    shares = np.column_stack(
        [distributions[n].percentile(values[:, i]) for i, n in enumerate(names)]
    )
    distance = np.nan_to_num(np.abs(shares - 0.5), nan=-1.0)
    best = np.argsort(-distance, axis=1, kind="stable")[:, :N_TRAITS]
    return [
        [
            asdict(_trait(names[column], float(values[row, column]), float(shares[row, column])))
            for column in columns
            if distance[row, column] >= 0
        ]
        for row, columns in enumerate(best.tolist())
    ]


def _trait(name: str, value: float, share: float) -> Trait:
    attribute = BY_NAME[name]
    above = share >= 0.5
    # 100% would mean that the song exceeds itself.
    percent = min(99, round(100 * (share if above else 1 - share)))
    comparative = attribute.more if above else attribute.less
    return Trait(
        name,
        attribute.label,
        format_attribute(name, value),
        f"{comparative} than {percent}% of the catalogue",
        round(share, 4),
    )
