"""Addresses are built as werkzeug builds them, though their builders are compiled later."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import Map, Rule

from songrec.web.lazy_rules import LazyRule


@pytest.mark.parametrize(
    "values", [{"name": "a"}, {"name": "a/b ü", "number": 3}, {"name": "a", "q": "x y"}]
)
def test_an_address_is_that_of_a_plain_rule(values: dict[str, Any]) -> None:
    built = []
    for kind in (Rule, LazyRule):
        first = kind("/songs/<path:name>/", endpoint="song", defaults={"number": 1})
        rules = Map([first, kind("/songs/<path:name>/<int:number>", endpoint="song")])
        addresses = rules.bind("host", "/root")
        built.append([addresses.build("song", values) for _ in range(2)])
    assert built[0] == built[1]
