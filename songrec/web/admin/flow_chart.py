"""Flow chart of tracks between the clusters of two runs, as SVG shapes.

Clusters of A are on the left, those of B on the right, with heights proportional to their tracks in
both runs. A ribbon is a flow of tracks, in the colour of its cluster in A.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from songrec.services.reports.run_comparison import Flow, RunComparison
    from songrec.store.tables import Cluster

WIDTH, BAR, LEFT, TOP = 960, 14, 290, 8
RIGHT = WIDTH - LEFT - BAR
TRACKS_HEIGHT, ROW, GAP = 380.0, 20.0, 6.0
"""Height of all bars together; the least height of a bar with its label; space between two."""
THINNEST = 0.75
"""Thinner flows are not drawn; the table has them."""
LABEL_LENGTH = 38
MAX_RIBBONS = 400


@dataclass(frozen=True, slots=True)
class Bar:
    """A cluster: its bar from ``y`` on, and its label at ``label_y``."""

    cluster: Cluster
    tracks: int
    share: float
    y: float
    height: float
    label: str

    @property
    def label_y(self) -> float:
        """The baseline of the label, in the middle of the bar."""
        return self.y + max(self.height, 12.0) / 2 + 4


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A flow: its outline and description."""

    path: str
    number: int
    text: str
    matched: bool


@dataclass(frozen=True, slots=True)
class FlowChart:
    """Bars of both runs and the ribbons between them; lengths are SVG units."""

    left: list[Bar]
    right: list[Bar]
    ribbons: list[Ribbon]
    height: float
    width: int = WIDTH
    bar: int = BAR
    x_left: int = LEFT
    x_right: int = RIGHT


def flow_chart(comparison: RunComparison) -> FlowChart | None:
    """Draw the flows of a comparison; None if the runs share no track."""
    total = comparison.shared
    if not total:
        return None
    flows = [flow for flow in comparison.flows if flow.tracks]
    left_tracks = _totals((flow.a.id, flow.tracks) for flow in flows)
    right_tracks = _totals((flow.b.id, flow.tracks) for flow in flows)
    left_clusters = [one for one in comparison.clusters_a if left_tracks.get(one.id)]
    order = {cluster.id: place for place, cluster in enumerate(left_clusters)}
    # Clusters of B are sorted by the positions of their tracks in A, which avoids crossings.
    weights: dict[int, float] = {}
    for flow in flows:
        weights[flow.b.id] = weights.get(flow.b.id, 0.0) + order[flow.a.id] * flow.tracks
    right_clusters = sorted(
        (one for one in comparison.clusters_b if right_tracks.get(one.id)),
        key=lambda one: (weights[one.id] / right_tracks[one.id], one.number),
    )
    left = _bars(left_clusters, left_tracks, total)
    right = _bars(right_clusters, right_tracks, total)
    return FlowChart(
        left,
        right,
        _ribbons(flows, left, right, total),
        max(_end(left), _end(right)) + TOP,
    )


def _totals(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for key, number in pairs:
        sums[key] = sums.get(key, 0) + number
    return sums


def _bars(clusters: Sequence[Cluster], tracks: dict[int, int], total: int) -> list[Bar]:
    bars, y = [], float(TOP)
    for cluster in clusters:
        number = tracks[cluster.id]
        height = max(TRACKS_HEIGHT * number / total, 2.0)
        name = cluster.name[:1].upper() + cluster.name[1:]
        label = name if len(name) <= LABEL_LENGTH else f"{name[: LABEL_LENGTH - 1].rstrip()}…"
        bars.append(Bar(cluster, number, number / total, round(y, 1), round(height, 1), label))
        y += max(height, ROW) + GAP
    return bars


def _end(bars: Sequence[Bar]) -> float:
    return max(bar.y + max(bar.height, ROW) for bar in bars)


def _ribbons(
    flows: Sequence[Flow], left: Sequence[Bar], right: Sequence[Bar], total: int
) -> list[Ribbon]:
    places = {bar.cluster.id: place for bars in (left, right) for place, bar in enumerate(bars)}
    bars = {bar.cluster.id: bar for bar in (*left, *right)}
    scale = TRACKS_HEIGHT / total
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    tops_left: dict[tuple[int, int], float] = {}
    tops_right: dict[tuple[int, int], float] = {}
    for flow in sorted(flows, key=lambda one: (places[one.a.id], places[one.b.id])):
        tops_left[flow.a.id, flow.b.id] = starts.get(flow.a.id, bars[flow.a.id].y)
        starts[flow.a.id] = tops_left[flow.a.id, flow.b.id] + flow.tracks * scale
    for flow in sorted(flows, key=lambda one: (places[one.b.id], places[one.a.id])):
        tops_right[flow.a.id, flow.b.id] = ends.get(flow.b.id, bars[flow.b.id].y)
        ends[flow.b.id] = tops_right[flow.a.id, flow.b.id] + flow.tracks * scale
    visible = [flow for flow in flows if flow.tracks * scale >= THINNEST or flow.matched]
    visible = sorted(visible, key=lambda flow: -flow.tracks)[:MAX_RIBBONS]
    return [
        Ribbon(
            _outline(
                tops_left[flow.a.id, flow.b.id],
                tops_right[flow.a.id, flow.b.id],
                max(flow.tracks * scale, THINNEST),
            ),
            flow.a.number,
            f"{flow.a.name} → {flow.b.name}: {flow.tracks:,} "
            f"{'song' if flow.tracks == 1 else 'songs'}, {100 * flow.share_of_a:.0f}%",
            flow.matched,
        )
        for flow in visible
    ]


def _outline(start: float, end: float, height: float) -> str:
    x_start, x_end = LEFT + BAR, RIGHT
    middle = (x_start + x_end) / 2
    return (
        f"M{x_start} {start:.1f}C{middle:.0f} {start:.1f} {middle:.0f} {end:.1f} {x_end} {end:.1f}"
        f"v{height:.1f}C{middle:.0f} {end + height:.1f} {middle:.0f} {start + height:.1f} "
        f"{x_start} {start + height:.1f}Z"
    )
