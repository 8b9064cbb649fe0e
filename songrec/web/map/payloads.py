"""What the map sends, made once per run and process and kept ready to send."""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.metadata
import importlib.resources
import re
from dataclasses import dataclass

import numpy as np
from flask import Response, current_app, request
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.core.attributes import BY_NAME
from songrec.core.errors import UnknownName
from songrec.core.types import Space
from songrec.store.catalogue import tracks
from songrec.store.runs import run_folders
from songrec.web.cached_counts import cached_value
from songrec.web.map.encoding import encode_amounts, encode_names, encode_points

NAMED_COLUMNS = ("genre", "emotion")
YEAR = 365 * 24 * 3600

# A column's colours run between these quantiles: one silent track must not use up the scale.
LOW, HIGH = 0.01, 0.99
# How the bundle asks whether a style of its own is in the page: a digest is the element's id.
STYLE_IDS = re.compile(rb'getElementById\("([0-9a-f]{40,64})"\)')

# Below this saving the browser's unpacking is not worth it.
WORTHWHILE = 0.95


@dataclass(frozen=True)
class Payload:
    """Bytes ready to send, gzipped as well where that helps, and the tag that names them."""

    body: bytes
    zipped: bytes | None
    tag: str

    @classmethod
    def of(cls, body: bytes) -> Payload:
        """Pack ``body`` and name it by its content."""
        zipped = gzip.compress(body, compresslevel=6, mtime=0)
        tag = hashlib.blake2b(body, digest_size=12).hexdigest()
        return cls(body, zipped if len(zipped) < WORTHWHILE * len(body) else None, tag)

    def response(
        self, mimetype: str = "application/octet-stream", *, forever: bool = False
    ) -> Response:
        """Return the bytes, or 304 if the browser has them already.

        ``forever`` is for addresses whose content never changes: the browser then never asks
        again. Otherwise it keeps the bytes and asks each time whether they still hold.
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
    """Return the names of the run's maps, its own first; empty for old runs."""

    def read() -> list[str]:
        manifest = run_folders.read_json(
            current_app.config["INSTANCE"], space.run_id, "manifest.json"
        )
        return [one["name"] for one in manifest.get("maps", [])]

    return cached_value(_key("maps"), space.run_id, read)


def coordinates(space: Space, projection: str = "") -> NDArray[np.float32]:
    """Return the tracks' coordinates on the run's own map or another of its maps."""
    if not projection:
        return space.coordinates
    return run_folders.read_map(current_app.config["INSTANCE"], space.run_id, projection)


def points(space: Space, projection: str = "") -> Payload:
    """Return the coordinates and cluster of every track of the run."""
    return cached_value(
        _key(f"points {projection}"),
        space.run_id,
        lambda: Payload.of(encode_points(coordinates(space, projection), space.labels)),
    )


def column(session: Session, space: Space, name: str) -> Payload:
    """Return one column to colour by: an attribute, or the catalogue's genre or emotion.

    Raises ``UnknownName`` for anything else, and for an attribute the run was not given.
    """
    if name in NAMED_COLUMNS:
        return cached_value(
            _key(name),
            f"{space.run_id} {tracks.version(session)}",
            lambda: Payload.of(encode_names(_names(session, space, name))),
        )
    if name not in space.value_names or name not in BY_NAME:
        raise UnknownName("column of the map", name, (*NAMED_COLUMNS, *columns(space)))
    return cached_value(_key(name), space.run_id, lambda: Payload.of(_amounts(space, name)))


def columns(space: Space) -> tuple[str, ...]:
    """Return the attributes that the run has, in the catalogue's order."""
    return tuple(name for name in BY_NAME if name in space.value_names)


def plotly() -> Payload:
    """Plotly's JavaScript as the installed package brings it, packed once per process."""
    return cached_value(
        ("plotly",),
        plotly_version(),
        lambda: Payload.of(
            (importlib.resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
        ),
    )


@functools.cache
def plotly_version() -> str:
    """Return the version of the installed package."""
    return importlib.metadata.version("plotly")


def plotly_style_ids() -> list[str]:
    """Return the ids of the style elements that Plotly would add.

    The page's policy forbids them and the map needs none; an element with the id, whatever it
    is, keeps the bundle from trying.
    """
    return cached_value(
        ("plotly styles",),
        plotly_version(),
        lambda: sorted({style_id.decode() for style_id in STYLE_IDS.findall(plotly().body)}),
    )


def _key(name: str) -> tuple[str, str, str]:
    # Two applications in one process may each have a run of that name.
    return ("map", name, str(current_app.config["INSTANCE"]))


def _amounts(space: Space, name: str) -> bytes:
    values = np.asarray(space.values[:, space.value_names.index(name)])
    attribute = BY_NAME[name]
    if attribute.is_share or attribute.unit == "flag":
        return encode_amounts(values, attribute.low, attribute.high)
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, [LOW, HIGH]) if len(finite) else (0.0, 1.0)
    return encode_amounts(values, float(low), float(high))


def _names(session: Session, space: Space, name: str) -> list[str | None]:
    """Return the first genre or emotion of each track, in the order of the run's rows."""
    first = tracks.first_tags(session, name)
    return [first.get(track_id) for track_id in space.track_ids.tolist()]
