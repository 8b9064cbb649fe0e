"""Query parameters of pages: what can be used is used, whatever stands beside it."""

from __future__ import annotations

import pytest
from marshmallow import fields, validate

from songrec.web import query_args

ARGS = query_args.schema(
    share=query_args.Clamped(0, 1, load_default=0.5),
    n=fields.Integer(load_default=20, validate=validate.OneOf((10, 20))),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.25", 0.25), ("0,25", 0.25), ("7", 1.0), ("-7", 0.0), ("-0", 0.0), ("1e-3", 0.001)],
)
def test_a_number_is_moved_into_its_range(text: str, value: float) -> None:
    assert query_args.load(ARGS, {"share": text}) == ({"share": value, "n": 20}, [])


@pytest.mark.parametrize("text", ["", "much", "nan", "inf", "-inf", "1e999", "0.5 or so"])
def test_an_unusable_value_counts_as_missing_and_is_named(text: str) -> None:
    assert query_args.load(ARGS, {"share": text, "n": "10"}) == ({"share": 0.5, "n": 10}, ["share"])


def test_other_parameters_are_ignored() -> None:
    args = {"n": "11", "_scheme": "x", "endpoint": "y"}
    assert query_args.load(ARGS, args) == ({"share": 0.5, "n": 20}, ["n"])
