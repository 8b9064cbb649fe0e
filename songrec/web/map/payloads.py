"""Responses of the map, cached by run in each process."""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.metadata
import importlib.resources
import re
from dataclasses import dataclass, replace

import numpy as np
from flask import Response, current_app, request
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.core.attributes import BY_NAME
from songrec.core.errors import UnknownName
from songrec.core.types import Space
from songrec.store.catalogue import tracks
from songrec.store.runs import run_folders
from songrec.store.tables import Run
from songrec.web import cached_counts
from songrec.web.cached_counts import cached_value
from songrec.web.map import groups, labels
from songrec.web.map.encoding import encode_amounts, encode_names, encode_points
from songrec.web.map.groups import Grouping
from songrec.web.map.plane import Plane, sort_plane

NAMED_COLUMNS = ("genre", "emotion")
# Plotly's check whether the page has one of its styles: the element's id is a digest.
STYLE_IDS = re.compile(rb'getElementById\("([0-9a-f]{40,64})"\)')
CLUSTER = "cluster"
YEAR = 365 * 24 * 3600

# Quantiles at the ends of a column's colour scale, so that outliers do not use up the scale.
LOW, HIGH = 0.01, 0.99

# Smallest saving in bytes that is worth the browser's decompression.
WORTHWHILE = 0.95


@dataclass(frozen=True)
class Payload:
    """Body of a response, also compressed by gzip if that saves enough, and its entity tag."""

    body: bytes
    zipped: bytes | None
    tag: str

    @classmethod
    def of(cls, body: bytes, *, compresslevel: int = 6) -> Payload:
        """Compress ``body`` and derive the entity tag from its content."""
        zipped = gzip.compress(body, compresslevel=compresslevel, mtime=0)
        tag = hashlib.blake2b(body, digest_size=12).hexdigest()
        return cls(body, zipped if len(zipped) < WORTHWHILE * len(body) else None, tag)

    def response(
        self, mimetype: str = "application/octet-stream", *, forever: bool = False
    ) -> Response:
        """Return the body, or 304 if the browser has it already.

        ``forever`` is for URLs whose content never changes, which browsers need not revalidate.
        """
        zipped = self.zipped if request.accept_encodings["gzip"] > 0 else None
        response = Response(zipped or self.body, mimetype=mimetype)
        if zipped is not None:
            response.content_encoding = "gzip"
        response.vary.add("Accept-Encoding")
        response.set_etag(f"{self.tag}-gzip" if zipped is not None else self.tag)
        response.cache_control.public = True
        if forever:
            response.cache_control.max_age = YEAR
            response.cache_control.immutable = True
        else:
            response.cache_control.no_cache = True
        return response.make_conditional(request)


def maps(space: Space) -> list[str]:
    """Return the names of the run's maps, the default one first; empty for old runs."""

    def read() -> list[str]:
        manifest = run_folders.read_json(
            current_app.config["INSTANCE"], space.run_id, "manifest.json"
        )
        return [one["name"] for one in manifest.get("maps", [])]

    return cached_value(_key("maps"), space.run_id, read)


def with_projection(space: Space, projection: str) -> Space:
    """Return the space with the coordinates of one of the run's maps, by default the first."""
    if not projection:
        return space
    instance = current_app.config["INSTANCE"]
    return replace(space, coordinates=run_folders.read_map(instance, space.run_id, projection))


def points(space: Space, projection: str = "") -> Payload:
    """Return the coordinates and cluster of every track of the run."""
    return cached_value(
        _key(f"points {projection}"),
        space.run_id,
        lambda: Payload.of(
            encode_points(with_projection(space, projection).coordinates, space.labels)
        ),
    )


def plane(space: Space, projection: str = "") -> Plane:
    """Return the songs of a map, sorted by place."""
    return cached_value(
        _key(f"plane {projection}"),
        space.run_id,
        lambda: sort_plane(with_projection(space, projection).coordinates),
    )


def column(session: Session, space: Space, name: str) -> Payload:
    """Return a column for colours: an attribute, or the catalogue's genre or emotion.

    Raises ``UnknownName`` for anything else, and for an attribute that the run lacks.
    """
    if name in NAMED_COLUMNS:
        return cached_value(
            _key(name),
            f"{space.run_id} {tracks.version(session)}",
            lambda: Payload.of(encode_names(_names(session, space, name))),
        )
    _require_attribute(space, name)
    return cached_value(_key(name), space.run_id, lambda: Payload.of(_amounts(space, name)))


def grouping(session: Session, run: Run, space: Space, name: str = CLUSTER) -> Grouping:
    """Return the colour groups of all songs by a column, or by cluster."""
    if name == CLUSTER:
        clusters = cached_counts.clusters(session, run).values()
        return cached_value(
            _key("groups by cluster"),
            space.run_id,
            lambda: groups.by_cluster(space.labels, [(c.number, c.name) for c in clusters]),
        )
    if name in NAMED_COLUMNS:
        return cached_value(
            _key(f"groups by {name}"),
            f"{space.run_id} {tracks.version(session)}",
            lambda: groups.by_name(_names(session, space, name)),
        )
    _require_attribute(space, name)

    def group() -> Grouping:
        values = _values(space, name)
        if BY_NAME[name].unit == "flag":
            return groups.by_flag(values)
        return groups.by_amount(values, *_range(name, values))

    return cached_value(_key(f"groups by {name}"), space.run_id, group)


def columns(space: Space) -> tuple[str, ...]:
    """Return the attributes whose values vary in the run, in the catalogue's order."""

    def varying() -> tuple[str, ...]:
        names = []
        for name in BY_NAME:
            if name in space.value_names:
                values = _values(space, name)
                finite = values[np.isfinite(values)]
                if len(finite) and finite.min() < finite.max():
                    names.append(name)
        return tuple(names)

    return cached_value(_key("columns"), space.run_id, varying)


def named_columns(session: Session) -> tuple[str, ...]:
    """Return the kinds of tags (genre, emotion) that the catalogue has."""
    return cached_value(
        _key("named columns"),
        tracks.version(session),
        lambda: tuple(name for name in NAMED_COLUMNS if cached_counts.tags(session, name)),
    )


def ranks(space: Space) -> NDArray[np.int32]:
    """Return the rank of each song by popularity: 0 is the best known."""

    def rank() -> NDArray[np.int32]:
        popularity = _values(space, "popularity") if "popularity" in space.value_names else None
        return labels.rank_songs(popularity, space.artists, len(space.track_ids))

    return cached_value(_key("ranks"), space.run_id, rank)


def plotly() -> Payload:
    """Return the JavaScript of the installed Plotly package, compressed once per process."""
    return cached_value(
        ("plotly",),
        plotly_version(),
        lambda: Payload.of(
            (importlib.resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
        ),
    )


@functools.cache
def plotly_version() -> str:
    """Return the version of the installed Plotly package."""
    return importlib.metadata.version("plotly")


def plotly_style_ids() -> list[str]:
    """Return the ids of the style elements that Plotly would add.

    The page's content security policy forbids them, and the map does not need them; any element
    with such an id keeps Plotly from adding the style.
    """
    return cached_value(
        ("plotly styles",),
        plotly_version(),
        lambda: sorted({style_id.decode() for style_id in STYLE_IDS.findall(plotly().body)}),
    )


def _key(name: str) -> tuple[str, str, str]:
    # Two applications in one process may have runs of the same name.
    return ("map", name, str(current_app.config["INSTANCE"]))


def _require_attribute(space: Space, name: str) -> None:
    if name not in space.value_names or name not in BY_NAME:
        raise UnknownName("column of the map", name, (*NAMED_COLUMNS, *columns(space)))


def _values(space: Space, name: str) -> NDArray[np.float32]:
    return np.asarray(space.values[:, space.value_names.index(name)])


def _range(name: str, values: NDArray[np.float32]) -> tuple[float, float, int]:
    """Return the limits of an attribute's scale and the number of steps, all round numbers."""
    attribute = BY_NAME[name]
    if attribute.is_share:
        return groups.whole_range(attribute.low, attribute.high)
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [LOW, HIGH]) if len(finite) else (0.0, 1.0)
    return groups.whole_range(float(low), float(high))


def _amounts(space: Space, name: str) -> bytes:
    values = _values(space, name)
    if BY_NAME[name].unit == "flag":
        return encode_amounts(values, 0.0, 1.0)
    return encode_amounts(values, *_range(name, values))


def _names(session: Session, space: Space, name: str) -> list[str | None]:
    """Return the first genre or emotion of each track, by row of the run."""
    first = tracks.first_tags(session, name)
    return [first.get(track_id) for track_id in space.track_ids.tolist()]
