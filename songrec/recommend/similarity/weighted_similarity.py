"""Similar tracks by a weighted cosine over named features, or by distance in the latent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import BY_NAME, format_attribute, key_name
from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match, Reason, Space
from songrec.recommend.explain.contributions import LITTLE_IN_COMMON, build_matches
from songrec.recommend.explain.phrases import UNMENTIONED, attribute_label, join_clauses
from songrec.recommend.query import NOT_IN_RUN, Query
from songrec.recommend.top_k import distances

GROUPS: dict[str, tuple[str, ...]] = {
    "timbre": ("loudness", "acousticness", "instrumentalness", "speechiness", "liveness"),
    "rhythm": ("tempo", "danceability"),
    "harmony": ("key", "mode"),
    "mood": ("energy", "positiveness"),
}
"""Features by group; each group has one weight. Audio feature components are ``timbre``."""
GROUP_LABELS = {"timbre": "Timbre", "rhythm": "Rhythm", "harmony": "Harmony", "mood": "Mood"}
MAX_WEIGHT = 3.0
PITCHES, MODES = 12, 2


@dataclass(frozen=True)
class Harmony:
    """Key (pitch class, -1 unknown) and mode (1 major, 0 minor, -1) of each row, int8 ``(n,)``."""

    key: NDArray[np.int8]
    mode: NDArray[np.int8]


def weighted_neighbours(
    space: Space,
    harmony: Harmony,
    track_id: int,
    n: int,
    weights: Mapping[str, float],
    *,
    withdrawn: Iterable[int] = (),
) -> list[Match]:
    """Return the ``n`` tracks of largest cosine over standardised features.

    Key and mode are one-hot columns; unknown values are at the mean and add nothing. There is one
    reason per feature; they add up to the cosine.

    Parameters
    ----------
    weights
        Factors from 0 to ``MAX_WEIGHT`` of the groups' parts of the scalar product; 1 for groups
        that are missing. All 0 means all 1.
    withdrawn
        Track ids of the space that are no longer in the catalogue.

    Raises
    ------
    BadInput
        If a group is unknown or a weight out of range.
    NotReady
        If the track is not part of the space.
    """
    for name, weight in weights.items():
        if name not in GROUPS or not 0 <= weight <= MAX_WEIGHT:
            raise BadInput(f"Weights are {', '.join(GROUPS)}, each from 0 to {MAX_WEIGHT:g}.")
    query = _query(space, track_id, withdrawn)
    row = int(query.likes[0])
    table = _StandardizedTable.of(space, harmony)
    by_group = {group: weights.get(group, 1.0) for group in GROUPS}
    if not any(by_group[group] for group in table.groups):
        by_group = dict.fromkeys(GROUPS, 1.0)
    factors = np.array([by_group[group] for group in table.groups], dtype=np.float32)
    lengths = np.sqrt(table.squares @ np.float32(list(by_group.values())))
    lengths[lengths == 0] = 1.0
    rough = (table.matrix @ (table.matrix[row] * factors)) / (lengths * lengths[row])
    rows, _ = query.top(rough, n)
    unit = table.matrix[rows].astype(np.float64) / lengths[rows, None]
    shares = unit * (table.matrix[row] * factors.astype(np.float64) / lengths[row])
    reasons = [table.reasons(part, row, int(at)) for part, at in zip(shares, rows, strict=True)]
    return build_matches(space, rows, reasons)


def latent_neighbours(
    space: Space, track_id: int, n: int, *, withdrawn: Iterable[int] = ()
) -> list[Match]:
    """Return the ``n`` nearest tracks in the run's latent.

    The score is 1 − distance / (median distance of two random tracks). There is one reason, since
    the dimensions have no names. ``withdrawn`` as for ``weighted_neighbours``.
    """
    query = _query(space, track_id, withdrawn)
    row = int(query.likes[0])
    apart = distances(space.latent, np.asarray(space.latent[row]))
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(space.latent), (2, 20_000))
    gaps = space.latent[pairs[0]].astype(np.float64) - space.latent[pairs[1]]
    typical = float(np.median(np.sqrt(np.einsum("ij,ij->i", gaps, gaps)))) or 1.0
    score = 1 - apart.astype(np.float64) / typical
    rows, _ = query.top(score, n)
    return build_matches(
        space,
        rows,
        [
            (
                Reason(
                    "feature",
                    "Close by what the published run’s model learnt",
                    float(score[at]),
                    "latent",
                ),
            )
            for at in rows
        ],
    )


def describe_match(match: Match) -> str:
    """Write a match's main sentence: ``Close in energy and tempo``."""
    if match.reasons and match.reasons[0].about == "latent":
        return match.reasons[0].text if match.score > 0 else LITTLE_IN_COMMON
    speaking = [r for r in match.reasons if r.contribution > 0 and r.about not in UNMENTIONED]
    speaking.sort(key=lambda reason: -reason.contribution)
    names = [
        "timbre" if r.about == "sound" else attribute_label(str(r.about)).lower()
        for r in speaking[:2]
    ]
    return f"Close in {join_clauses(names)}" if names else LITTLE_IN_COMMON


def _query(space: Space, track_id: int, withdrawn: Iterable[int]) -> Query:
    query = Query.of(space, [track_id], withdrawn=withdrawn)
    if not len(query.likes):
        raise NotReady(NOT_IN_RUN)
    return query


@dataclass(frozen=True)
class _StandardizedTable:
    """Standardised columns, float32 ``(n, d)``, with the feature and group of each.

    ``squares`` are the sums of squares of each row by group, ``(n, len(GROUPS))``, from which
    lengths follow for any weights.
    """

    space: Space
    harmony: Harmony
    matrix: NDArray[np.float32]
    squares: NDArray[np.float32]
    names: tuple[str, ...]
    groups: tuple[str, ...]

    @classmethod
    def of(cls, space: Space, harmony: Harmony) -> _StandardizedTable:
        """Return the table of ``space``, computed once while the space is open."""
        return space.cached("standardized_table", lambda: cls._compute(space, harmony))

    @classmethod
    def _compute(cls, space: Space, harmony: Harmony) -> _StandardizedTable:
        columns, names, groups = [], [], []
        for group, members in GROUPS.items():
            for name in members:
                if name in space.value_names:
                    columns.append(_standardised(space.values[:, space.value_names.index(name)]))
                    names.append(name)
                    groups.append(group)
        for at, name in enumerate(space.columns):
            if name not in space.value_names:
                columns.append(_standardised(space.matrix[:, at]))
                names.append("sound")
                groups.append("timbre")
        for name, values, count in (
            ("key", harmony.key, PITCHES),
            ("mode", harmony.mode, MODES),
        ):
            for value in range(count):
                columns.append((values == value).astype(np.float32))
                names.append(name)
                groups.append("harmony")
        matrix = np.column_stack(columns)
        squares = np.zeros((len(matrix), len(GROUPS)), dtype=np.float32)
        for at, group in enumerate(groups):
            squares[:, tuple(GROUPS).index(group)] += matrix[:, at] ** 2
        return cls(space, harmony, matrix, squares, tuple(names), tuple(groups))

    def reasons(self, shares: NDArray[np.float64], own: int, other: int) -> tuple[Reason, ...]:
        """Write one reason per feature, the largest first; columns of one name are combined.

        A feature that one of the two tracks lacks adds nothing and is no reason.
        """
        sums: dict[str, float] = {}
        for name, share in zip(self.names, shares.tolist(), strict=True):
            sums[name] = sums.get(name, 0.0) + share
        known = [name for name in sums if all(self._is_known(name, row) for row in (own, other))]
        order = sorted(known, key=lambda name: -sums[name])
        return tuple(
            Reason("feature", self._text(name, own, other), sums[name], name) for name in order
        )

    def _is_known(self, name: str, row: int) -> bool:
        if name in ("key", "mode"):
            return int(getattr(self.harmony, name)[row]) >= 0
        if name not in self.space.value_names:
            return True
        return not np.isnan(self.space.values[row, self.space.value_names.index(name)])

    def _text(self, name: str, own: int, other: int) -> str:
        if name == "sound":
            return "Timbre, by the audio features"
        if name in ("key", "mode"):
            ours, theirs = (self._harmony(name, row) for row in (own, other))
        else:
            at = self.space.value_names.index(name)
            ours, theirs = (
                format_attribute(name, float(self.space.values[row, at])) for row in (own, other)
            )
        label = BY_NAME[name].label if name in BY_NAME else name.capitalize()
        return f"{label} {theirs} and {ours}"

    def _harmony(self, name: str, row: int) -> str:
        value = int(getattr(self.harmony, name)[row])
        return str(key_name(value, None)) if name == "key" else ("minor", "major")[value]


def _standardised(column: NDArray[np.float32]) -> NDArray[np.float32]:
    values = column[~np.isnan(column)].astype(np.float64)
    if not len(values):
        return np.zeros(len(column), dtype=np.float32)
    spread = float(values.std()) or 1.0
    return np.nan_to_num((column - values.mean()) / spread).astype(np.float32)
