"""The documentation names what there is: settings, commands, algorithms, files."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from flask import Flask

from songrec.catalogue_files.dialects import DIALECTS
from songrec.clustering import CLUSTERINGS
from songrec.core.settings import REMOVED_SETTINGS, SETTINGS
from songrec.features.registry import EXTRACTORS
from songrec.prediction import BASE_MODELS
from songrec.projection import PROJECTIONS
from songrec.recommend.registry import METHODS
from songrec.representation import REPRESENTATIONS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_readme_documents_every_setting(setting) -> None:
    assert f"| `{setting.name}` | {setting.default} | {setting.help} |" in README


def test_every_variable_that_the_program_reads_is_a_setting() -> None:
    known = {setting.name for setting in SETTINGS} | set(REMOVED_SETTINGS)
    for path in [*(ROOT / "songrec").rglob("*.py"), ROOT / "gunicorn.conf.py"]:
        read = set(re.findall(r"SONGREC_[A-Z_]+", path.read_text(encoding="utf-8")))
        assert read <= known, path


def test_the_readme_shows_every_command(app: Flask) -> None:
    from songrec.cli import MODULES

    for module in MODULES:
        for command in importlib.import_module(f"songrec.cli.{module}").COMMANDS:
            # Former names are hidden and work on.
            assert command.hidden or f"flask {command.name}" in README, command.name


@pytest.mark.parametrize(
    "registry",
    [REPRESENTATIONS, CLUSTERINGS, PROJECTIONS, METHODS, BASE_MODELS, EXTRACTORS],
    ids=lambda r: r.what,
)
def test_the_documentation_names_every_algorithm(registry) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in registry.names():
        assert f"`{name}`" in text, name


def test_the_documentation_names_every_catalogue_format() -> None:
    text = (ROOT / "docs" / "data-formats.md").read_text(encoding="utf-8")
    for dialect in DIALECTS:
        name = dialect if isinstance(dialect, str) else dialect.name
        assert f"`{name}`" in text, name


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings have where Markdown is shown."""
    found: list[str] = []
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for heading in re.findall(r"^#{1,6} (.*)$", text, flags=re.M):
        name = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", name).replace(" ", "-")
        found.append(name if name not in found else f"{name}-{found.count(name)}")
    return set(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        if anchor and other.suffix == ".md":
            assert anchor in anchors(other), target
