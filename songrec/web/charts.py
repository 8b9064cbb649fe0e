"""Values of charts for templates: bars, rows and dots, without HTML.

Shares of the catalogue are between 0 and 1. The templates draw charts as SVG, so that they need no
script and follow the theme of the style sheet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask import current_app

from songrec.core.attributes import ATTRIBUTES, BY_NAME, format_attribute
from songrec.core.errors import NotReady
from songrec.core.types import Space
from songrec.store.runs import run_folders
from songrec.web.cached_counts import cached_value

GRID = 1001
TYPICAL_BAND = 0.1
"""Closer to the middle than this, a value is called typical rather than more or less."""

MAP_WIDTH, MAP_HEIGHT, MAP_DOTS = 320, 200, 2500
MAP_MARGIN = 10
"""Free pixels around the songs of a small map: room for the ring around the marked song."""
SOURCES = {
    "measured": "measured from the sound",
    "predicted": "estimated from the sound",
    "vibenet": "estimated from the sound by VibeNet",
    "musicnn": "estimated from the tags that MusiCNN hears",
}
"""Sources of the attributes of songs with sound, by their name in the file's row."""


@dataclass(frozen=True, slots=True)
class Row:
    """An attribute of a track or cluster in comparison with the catalogue.

    ``share`` is the mid-rank of the value (0 lowest, 1 highest, None unknown), ``other`` that of
    the cluster's median, ``words`` a description: "calmer than 83%" (of the catalogue).
    """

    name: str
    label: str
    help: str
    value: str
    share: float | None
    words: str
    other: float | None = None
    other_value: str = ""

    @property
    def start(self) -> float:
        """Start of a bar from the middle, in percent of the width."""
        return 100 * min(0.5, self.share if self.share is not None else 0.5)

    @property
    def length(self) -> float:
        """How long a bar from the middle is, in percent of the width."""
        return 100 * abs((self.share if self.share is not None else 0.5) - 0.5)


def words_for(name: str, share: float | None) -> str:
    """Describe the rank of a value in the catalogue; empty if unknown."""
    if share is None:
        return ""
    attribute = BY_NAME[name]
    if abs(share - 0.5) < TYPICAL_BAND:
        return "in the middle"
    if share > 0.5:
        return f"{attribute.more} than {share:.0%}"
    return f"{attribute.less} than {1 - share:.0%}"


def profile_rows(profile: Mapping[str, Any]) -> list[Row]:
    """Return all attributes of a cluster as chart rows."""
    median, share = profile.get("median", {}), profile.get("share", {})
    return [
        Row(
            a.name,
            a.label,
            a.help,
            format_attribute(a.name, median[a.name]),
            share.get(a.name),
            words_for(a.name, share.get(a.name)) if a.name != "explicit" else "",
        )
        for a in ATTRIBUTES
        if median.get(a.name) is not None
    ]


def tag_bars(entries: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Genres or emotions of a cluster: name, share of its tracks, bar length, how unusual."""
    longest = max((float(entry[1]) for entry in entries), default=0) or 1
    return [
        {
            "name": entry[0],
            "share": float(entry[1]),
            "length": 100 * float(entry[1]) / longest,
            "lift": float(entry[2]) if len(entry) > 2 and entry[2] is not None else None,
        }
        for entry in entries
    ]


def plain_rows(values: Mapping[str, float | None], measured: Collection[str] = ()) -> list[Row]:
    """Return the attributes of a track that is in no run: values without a standing."""
    return [
        Row(
            a.name,
            a.label,
            a.help,
            format_attribute(a.name, values.get(a.name), measured=a.name in measured),
            None,
            "",
        )
        for a in ATTRIBUTES
        if values.get(a.name) is not None
    ]


def track_rows(
    values: Mapping[str, float | None],
    space: Space,
    profile: Mapping[str, Any] | None,
    measured: Collection[str] = (),
) -> list[Row]:
    """Return the attributes of a track with their standing in the catalogue and its cluster.

    ``measured`` names those that were measured from the sound.
    """
    medians = (profile or {}).get("median", {})
    cluster_shares = (profile or {}).get("share", {})
    rows = []
    for attribute in ATTRIBUTES:
        name, value = attribute.name, values.get(attribute.name)
        if value is None:
            continue
        share = catalogue_percentile(space, name, value, measured=name in measured)
        if name == "explicit":
            share = None
        rows.append(
            Row(
                name,
                attribute.label,
                attribute.help,
                format_attribute(name, value, measured=name in measured),
                share,
                words_for(name, share),
                cluster_shares.get(name) if name != "explicit" else None,
                format_attribute(name, medians[name]) if medians.get(name) is not None else "",
            )
        )
    return rows


def catalogue_percentile(
    space: Space, name: str, value: float, *, measured: bool = False
) -> float | None:
    """Return the share of the catalogue below ``value``; ties count half.

    None if unknown, and for a loudness that is not on the scale of the run; ``measured`` is whether
    it is in LUFS.
    """
    if name not in space.value_names:
        return None
    if name == "loudness" and _loudness_scale(space) not in (None, measured):
        return None
    grid = _quantiles(space)[space.value_names.index(name)]
    if np.isnan(grid[0]):
        return None
    below, upto = (
        np.searchsorted(grid, np.float32(value), side="left"),
        np.searchsorted(grid, np.float32(value), side="right"),
    )
    return float(below + upto) / (2 * len(grid))


def _loudness_scale(space: Space) -> bool | None:
    """Return whether the run's loudness was measured; None for a run that does not say."""

    def read() -> bool | None:
        with contextlib.suppress(NotReady):
            folder = current_app.config["INSTANCE"]
            scale = run_folders.read_json(folder, space.run_id, "manifest.json").get(
                "loudness_scale"
            )
            return None if scale is None else scale == "measured"
        return None

    return cached_value(("loudness scale",), space.run_id, read)


def _quantiles(space: Space) -> np.ndarray:
    """Evenly spaced quantiles of every value column, float32 ``(f, GRID)``; NaN without values."""

    def compute() -> np.ndarray:
        grid = np.full((len(space.value_names), GRID), np.nan, dtype=np.float32)
        for column in range(len(space.value_names)):
            finite = space.values[:, column]
            finite = finite[~np.isnan(finite)]
            if len(finite):
                grid[column] = np.quantile(finite, np.linspace(0, 1, GRID), method="nearest")
        return grid

    return cached_value(("quantiles",), space.run_id, compute)


@dataclass(frozen=True, slots=True)
class MapThumbnail:
    """A small picture of the map: dots per cluster as SVG path data, and the song's own dot."""

    width: int
    height: int
    dots: dict[int, str]
    x: float
    y: float
    label: int


def place_on_map(
    space: Space, x: float | None, y: float | None, label: int | None
) -> MapThumbnail | None:
    """Return a track's place among a sample of the others; None without a place."""
    if x is None or y is None or label is None or not len(space.coordinates):
        return None
    low, span, dots = cached_value(("dots",), space.run_id, lambda: _dots(space))
    at = np.clip((np.array([x, y], dtype=np.float32) - low) / span, 0, 1)
    return MapThumbnail(
        MAP_WIDTH,
        MAP_HEIGHT,
        dots,
        MAP_MARGIN + float(at[0]) * (MAP_WIDTH - 2 * MAP_MARGIN),
        MAP_MARGIN + float(1 - at[1]) * (MAP_HEIGHT - 2 * MAP_MARGIN),
        label,
    )


@dataclass(frozen=True, slots=True)
class Route:
    """A way across the small map: ``line`` as SVG points, ``stops`` as (x, y, label)."""

    width: int
    height: int
    dots: dict[int, str]
    line: str
    stops: list[tuple[float, float, int]]


def route_on_map(
    places: Sequence[tuple[float | None, float | None, int | None]], space: Space
) -> Route | None:
    """Return the line through tracks on the map with their labels; None if one has no place."""
    marks = [place_on_map(space, *place) for place in places]
    placed = [place for place in marks if place is not None]
    if not placed or len(placed) < len(marks):
        return None
    stops = [(place.x, place.y, place.label) for place in placed]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in stops)
    return Route(MAP_WIDTH, MAP_HEIGHT, placed[0].dots, line, stops)


@dataclass(frozen=True, slots=True)
class SongsOnMap:
    """Songs on the small map: ``points`` as (x, y, label)."""

    width: int
    height: int
    dots: dict[int, str]
    points: list[tuple[float, float, int]]


def spots_on_map(places: Sequence[tuple[float, float, int]], space: Space) -> SongsOnMap | None:
    """Mark songs on the small map; None without any."""
    marks = [place for one in places if (place := place_on_map(space, *one)) is not None]
    if not marks:
        return None
    points = [(place.x, place.y, place.label) for place in marks]
    return SongsOnMap(MAP_WIDTH, MAP_HEIGHT, marks[0].dots, points)


def _dots(space: Space) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Return the map's frame without its outermost permille, and a seeded sample as SVG paths."""
    coordinates = np.asarray(space.coordinates)
    low, high = np.quantile(coordinates, [0.001, 0.999], axis=0)
    span = np.where(high > low, high - low, 1)
    count = min(MAP_DOTS, len(coordinates))
    rows = np.random.default_rng(0).choice(len(coordinates), size=count, replace=False)
    at = np.clip((coordinates[rows] - low) / span, 0, 1)
    at[:, 1] = 1 - at[:, 1]
    size = np.array([MAP_WIDTH, MAP_HEIGHT]) - 2 * MAP_MARGIN
    pixels = (MAP_MARGIN + at * size).astype(int)
    dots = {}
    for label in np.unique(space.labels[rows]):
        own = np.unique(pixels[space.labels[rows] == label], axis=0)
        # A line of length zero with round caps is a dot; all dots of a cluster are one path.
        dots[int(label)] = "".join(f"M{px} {py}h0" for px, py in own)
    return low, span, dots
