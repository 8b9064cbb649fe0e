"""The example of docs/adding-a-command.md works as the page says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from tests import factories


@pytest.fixture
def run(app: Flask, request: pytest.FixtureRequest) -> Callable[..., Result]:
    page = request.config.rootpath / "docs" / "adding-a-command.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "songrec.cli.oldest"}
    exec(code, namespace)
    for command in namespace["COMMANDS"]:
        app.cli.add_command(command)
    return lambda *args: app.test_cli_runner().invoke(args=["oldest", *args])


def test_the_documented_command_lists_songs_by_year(
    run: Callable[..., Result], session: Session
) -> None:
    for title, year in (("New", 2020), ("Old", 1931), ("Undated", None)):
        factories.make_track(session, title=title, year=year)
    session.commit()
    assert run("-n", "1").output == "1931  Old\n"
    assert json.loads(run("--json").output) == [
        {"year": 1931, "title": "Old"},
        {"year": 2020, "title": "New"},
    ]
    assert run("-n", "0").exit_code == 2


def test_the_documented_command_fails_in_one_line(run: Callable[..., Result]) -> None:
    result = run()
    assert result.exit_code == 1
    assert result.stderr == "songrec: No song has a year: flask ingest PATH\n"
