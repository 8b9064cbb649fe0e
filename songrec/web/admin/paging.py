"""Page numbers of the admin's lists, in the shape that the pager macro draws."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request


@dataclass(frozen=True, slots=True)
class Pages:
    """Page ``number`` of a list of ``total`` rows, ``size`` to a page."""

    number: int
    total: int
    size: int

    @property
    def last(self) -> int:
        """The last page's number, at least 1."""
        return max(1, -(-self.total // self.size))


def page_number() -> int:
    """Return the page number in the URL, by default 1."""
    return min(max(request.args.get("page", 1, type=int), 1), 1_000_000)
