"""The addresses of lists of songs: what a stranger writes into one stays out of its links."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

pytestmark = pytest.mark.usefixtures("planted")


@pytest.fixture
def planted_options():
    return {"clusters": 2}


"""Where songs without sound are linked to."""


def links(client: FlaskClient, address: str) -> list[str]:
    answer = client.get(address, follow_redirects=True)
    assert answer.status_code == 200
    return [html.unescape(found) for found in re.findall(r'<a[^>]* href="([^"]*)"', answer.text)]


@pytest.mark.parametrize("field", ["endpoint", "_method", "_scheme", "_external", "values", "self"])
def test_a_field_that_means_something_to_the_router_is_only_a_word(
    client: FlaskClient, field: str
) -> None:
    for address in (f"/tracks?{field}=x", f"/tracks?{field}=x&q=", f"/clusters/0?{field}=x"):
        assert all(link.startswith(("/", "#")) for link in links(client, address)), address


def test_a_field_does_not_stand_in_for_the_cluster_of_the_path(client: FlaskClient) -> None:
    sorting = [a for a in links(client, "/clusters/0?number=1&q=song") if "sort=title" in a]
    assert sorting == ["/clusters/0?q=song&sort=title"]


def test_empty_and_unknown_fields_leave_the_address(client: FlaskClient) -> None:
    answer = client.get("/tracks?q=song&genre=&utm_source=x&energy_min=0.2")
    assert answer.location == "/tracks?q=song&energy_min=0.2"
    assert client.get(answer.location).status_code == 200
