"""Lists of songs by URL: from query parameters to a ``TrackQuery`` and back."""

from __future__ import annotations

import math
from collections.abc import Mapping

from flask import request, url_for
from marshmallow import fields, validate
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from songrec.core.attributes import ATTRIBUTES, BY_NAME
from songrec.services.listeners.known_tracks import known_tracks
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.catalogue.tracks import ASCENDING, SORTS
from songrec.store.tables import Listener
from songrec.web import query_args

RANGE_ATTRIBUTES = tuple(a.name for a in ATTRIBUTES if a.name not in ("variance", "explicit"))
ARGS = query_args.schema(
    q=fields.String(load_default=""),
    genre=fields.String(load_default=""),
    emotion=fields.String(load_default=""),
    cluster=fields.Integer(load_default=None),
    sort=fields.String(load_default=None, validate=validate.OneOf(SORTS)),
    order=fields.String(load_default="", validate=validate.OneOf(("up", "down"))),
    page=fields.Integer(load_default=1),
    **{
        f"{name}_{end}": query_args.Clamped(-math.inf, math.inf, load_default=None)
        for name in RANGE_ATTRIBUTES
        for end in ("min", "max")
    },
)
# Links of the list take over only these: `url_for` would read a parameter called endpoint or
# _scheme as its own.
FIELDS = frozenset(ARGS.fields)
MAX_NUMBER = 10**6


class TrackForm:
    """The filter form as it was sent: ``query`` for the catalogue, ``problems`` for the person.

    A value that cannot be used is left out and named in ``problems``; the rest still counts.
    """

    def __init__(
        self,
        args: MultiDict[str, str],
        *,
        default_sort: str = "known",
        cluster: int | None = None,
    ) -> None:
        self.args: Mapping[str, str] = _non_empty(args)
        self.default_sort = default_sort
        values, unusable = query_args.load(ARGS, self.args)
        self.problems = [self._problem(name) for name in unusable]
        sort = values["sort"] or default_sort
        self.query = TrackQuery(
            text=values["q"][:200],
            genre=values["genre"][:200],
            emotion=values["emotion"][:100],
            cluster=_clip(values["cluster"]) if cluster is None else cluster,
            ranges={
                name: ends
                for name in RANGE_ATTRIBUTES
                if (ends := _range(values[f"{name}_min"], values[f"{name}_max"])) != (None, None)
            },
            sort=sort,
            descending=values["order"] == "down" if values["order"] else sort not in ASCENDING,
            page=max(1, _clip(values["page"]) or 1),
        )

    @property
    def is_clean(self) -> bool:
        """Whether the address carries no empty or unknown fields (a form sends the empty ones)."""
        return len(self.args) == len(request.args)

    def sort_address(self, sort: str) -> str:
        """Return the URL of the list sorted by ``sort``, reversed if it is already."""
        turned = None
        if self.query.sort == sort and self.query.descending != (sort in ASCENDING):
            turned = "down" if sort in ASCENDING else "up"
        return _address(sort=sort, order=turned, page=None)

    def put_known_first(self, session: Session, listener: Listener | None) -> None:
        """Put songs that the listener knows or can play first in a list by popularity."""
        if self.query.sort == "known" and self.query.descending:
            first = known_tracks(session, listener, self.query.text)
            self.query = self.query.narrowed(first=first)

    def without(self, *names: str) -> str:
        """Return the URL of the list without some of its filters."""
        return _address(page=None, **dict.fromkeys(names))

    def aria_sort(self, sort: str) -> str | None:
        """Return a table header's sort order for screen readers."""
        if self.query.sort != sort:
            return None
        return "descending" if self.query.descending else "ascending"

    def active_filters(self) -> list[tuple[str, str]]:
        """Return the filters as text, each with the URL that removes it."""
        words = []
        if self.query.text:
            words.append((f"“{self.query.text}”", self.without("q")))
        if self.query.genre:
            words.append((self.query.genre, self.without("genre")))
        if self.query.emotion:
            words.append((self.query.emotion, self.without("emotion")))
        for name, (low, high) in self.query.ranges.items():
            label = BY_NAME[name].label
            if low is not None and high is not None:
                text = f"{label} {low:g} to {high:g}"
            else:
                text = f"{label} from {low:g}" if low is not None else f"{label} up to {high:g}"
            words.append((text, self.without(f"{name}_min", f"{name}_max")))
        return words

    def _problem(self, name: str) -> str:
        """Return the sentence about a value that cannot be used."""
        value = self.args[name][:40]
        if name == "sort":
            usual = SORTS[self.default_sort].lower()
            return f"Cannot sort by “{value}”, sorted by {usual} instead."
        if name == "order":
            return f"“{value}” is not an order: choose up or down."
        if name in ("cluster", "page"):
            what = "sound group" if name == "cluster" else "page"
            return f"“{value}” is not a {what} number."
        attribute, _, end = name.rpartition("_")
        label = BY_NAME[attribute].label
        return f"{label} {'from' if end == 'min' else 'to'}: “{value}” is not a number."


def _range(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """Return the ends of a range in ascending order."""
    return (high, low) if low is not None and high is not None and low > high else (low, high)


def _clip(number: int | None) -> int | None:
    """Return a number that every database can compare."""
    return None if number is None else max(-1, min(number, MAX_NUMBER))


def page_address(number: int) -> str:
    """Return the URL of the current list's page ``number``."""
    return _address(page=number if number > 1 else None)


def _non_empty(args: MultiDict[str, str]) -> dict[str, str]:
    """Return the known parameters that are not empty."""
    return {k: v for k, v in args.items() if k in FIELDS and v.strip()}


def _address(**changes: str | int | None) -> str:
    """Return the current URL with some parameters changed; None removes one."""
    args = {k: v for k, v in _non_empty(request.args).items() if k not in changes}
    args |= {k: str(v) for k, v in changes.items() if v is not None}
    return url_for(str(request.endpoint), **{**(request.view_args or {}), **args})
