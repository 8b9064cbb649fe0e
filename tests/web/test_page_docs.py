"""The example of docs/adding-a-page.md, put where the page says, works and passes its test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from flask import Flask

from songrec import web
from songrec.services import catalogue
from songrec.web import template_context
from tests.documented_modules import module_in
from tests.web import test_routes_access
from tests.web.html import links


@pytest.fixture
def document(request: pytest.FixtureRequest) -> str:
    return (request.config.rootpath / "docs" / "adding-a-page.md").read_text()


@pytest.fixture
def app_config(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    files = dict(re.findall(r"^`([\w/]+\.\w+)`:\n\n```\w+\n(.*?)```", document, re.DOTALL | re.M))
    assert len(files) == 4
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    entry = re.search(r"`(\(\"loudest\.page\", \"Loudest\", \"sound\", \(\)\))`", document)
    assert entry is not None
    monkeypatch.setattr(web, "MODULES", (*(m for m in web.MODULES if m != "loudest"), "loudest"))
    others = (each for each in template_context.NAVIGATION if each[0] != "loudest.page")
    monkeypatch.setattr(template_context, "NAVIGATION", (*others, eval(entry[1])))
    service, view = "songrec/services/catalogue/loudest.py", "songrec/web/loudest.py"
    with (
        module_in(catalogue, "loudest", tmp_path / "service", files[service]),
        module_in(web, "loudest", tmp_path / "view", files[view]),
    ):
        yield {}


@pytest.fixture
def client(app: Flask, tmp_path: Path) -> Any:
    loader = app.jinja_env.loader
    assert loader is not None
    app.jinja_env.loader = jinja2.ChoiceLoader(
        [jinja2.FileSystemLoader(tmp_path / "templates"), loader]
    )
    return app.test_client()


@pytest.fixture
def example(tmp_path: Path, client: Any) -> dict[str, Any]:
    """The test of the page, as the document has it."""
    path = tmp_path / "tests/web/test_loudest_page.py"
    namespace: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    return namespace


def test_the_example_passes_its_own_tests(
    example: dict[str, Any], client: Any, session: Any
) -> None:
    example["test_an_empty_catalogue_leads_home"](client)
    example["test_the_loudest_songs_come_first"](client, session)


def test_the_header_leads_to_the_example(client: Any) -> None:
    assert links(client.get("/"), ".site-nav a")["Loudest"] == "/loudest"


def test_the_row_of_the_access_table_is_complete(app: Flask, document: str, client: Any) -> None:
    row = re.search(r"^`(\(\"loudest\.page\", \"GET\"\): .*)`", document, re.MULTILINE)
    assert row is not None
    table = {**test_routes_access.TABLE, **eval(f"{{{row[1]}}}", vars(test_routes_access))}
    assert test_routes_access.routes(app) == set(table)
