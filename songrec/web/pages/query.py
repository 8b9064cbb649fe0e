"""From an address to a ``TrackQuery`` and back: lists of songs have stable, shareable addresses."""

from __future__ import annotations

import math
from collections.abc import Mapping

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from songrec.core.attributes import ATTRIBUTES, BY_NAME
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.catalogue.tracks import SORTS

RANGE_ATTRIBUTES = tuple(a.name for a in ATTRIBUTES if a.name not in ("variance", "explicit"))
# Nothing else in an address is taken over into the list's own links: `url_for` would read a field
# called endpoint or _scheme as an order to itself.
FIELDS = frozenset(
    ["q", "genre", "emotion", "cluster", "sort", "order", "page"]
    + [f"{name}_{end}" for name in RANGE_ATTRIBUTES for end in ("min", "max")]
)

NUMBERED = {"cluster": "sound group", "page": "page"}


class TrackForm:
    """The filter form as it was sent: ``query`` for the catalogue, ``problems`` for the person.

    A value that cannot be used is left out and named in ``problems``; the rest still counts.
    """

    def __init__(
        self,
        args: MultiDict[str, str],
        *,
        default_sort: str = "title",
        cluster: int | None = None,
    ) -> None:
        self.problems: list[str] = []
        self.args: Mapping[str, str] = _filled(args)
        self.default_sort = default_sort
        sort = self.args.get("sort", default_sort)
        if sort not in SORTS:
            self.problems.append(f"Cannot sort by “{sort[:40]}”, sorted by {default_sort} instead.")
            sort = default_sort
        self.query = TrackQuery(
            text=self.args.get("q", "")[:200],
            genre=self.args.get("genre", "")[:200],
            emotion=self.args.get("emotion", "")[:100],
            cluster=cluster if cluster is not None else self._whole("cluster"),
            ranges=self._ranges(),
            sort=sort,
            descending=self.args.get("order") == "down",
            page=max(1, self._whole("page") or 1),
        )

    @property
    def is_clean(self) -> bool:
        """Whether the address carries no empty or unknown fields (a form sends the empty ones)."""
        return len(self.args) == len(request.args)

    def sort_address(self, sort: str) -> str:
        """The list sorted by ``sort``; asking for the same sort again turns it round."""
        turned = "down" if self.query.sort == sort and not self.query.descending else None
        return _address(sort=sort, order=turned, page=None)

    def without(self, *names: str) -> str:
        """The address of the list without some of its filters."""
        return _address(page=None, **dict.fromkeys(names))

    def aria_sort(self, sort: str) -> str | None:
        """What a table header says to a screen reader."""
        if self.query.sort != sort:
            return None
        return "descending" if self.query.descending else "ascending"

    def chosen(self) -> list[tuple[str, str]]:
        """What the list is narrowed to, in words, each with the address that drops it."""
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

    def _ranges(self) -> dict[str, tuple[float | None, float | None]]:
        ranges = {}
        for name in RANGE_ATTRIBUTES:
            low, high = self._number(f"{name}_min"), self._number(f"{name}_max")
            if low is not None and high is not None and low > high:
                low, high = high, low
            if low is not None or high is not None:
                ranges[name] = (low, high)
        return ranges

    def _number(self, field: str) -> float | None:
        if field not in self.args:
            return None
        try:
            number = float(self.args[field].replace(",", "."))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            name, _, end = field.rpartition("_")
            what = "from" if end == "min" else "to"
            self.problems.append(
                f"{BY_NAME[name].label} {what}: “{self.args[field][:40]}” is not a number."
            )
            return None
        return number

    def _whole(self, field: str) -> int | None:
        value = self.args.get(field, "")
        try:
            return max(-1, min(int(value), 10**6)) if value else None
        except ValueError:
            self.problems.append(f"“{value[:40]}” is not a {NUMBERED[field]} number.")
            return None


def page_address(number: int) -> str:
    """The current list's page ``number``."""
    return _address(page=number if number > 1 else None)


def _filled(args: MultiDict[str, str]) -> dict[str, str]:
    """The known fields that hold something."""
    return {k: v for k, v in args.items() if k in FIELDS and v.strip()}


def _address(**changes: str | int | None) -> str:
    """The current address with some of its fields changed; None removes a field."""
    args = {k: v for k, v in _filled(request.args).items() if k not in changes}
    args |= {k: str(v) for k, v in changes.items() if v is not None}
    return url_for(str(request.endpoint), **{**(request.view_args or {}), **args})
