"""The documentation names what there is: settings, commands, algorithms, files."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import click
import pytest
from flask import Flask

from songrec.catalogue_files.dialects import DIALECTS
from songrec.clustering import CLUSTERINGS
from songrec.core.settings import REMOVED_SETTINGS, SETTINGS
from songrec.features.registry import EXTRACTORS, FeatureSet
from songrec.prediction import BASE_MODELS
from songrec.projection import PROJECTIONS
from songrec.recommend.registry import METHODS
from songrec.representation import REPRESENTATIONS
from songrec.store.security_log import KINDS

ROOT = Path(__file__).resolve().parents[1]
LEFT_TO_MODELS = {"abilities", "requires", "required_inputs", "suited_features", "aliases"}
"""Fields of a registry's entry that no feature set uses."""
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


def commands() -> dict[str, click.Command]:
    """Return songrec's commands and their subcommands by the words that call them."""
    from songrec.cli import MODULES

    modules = [importlib.import_module(f"songrec.cli.{module}") for module in MODULES]
    found = {command.name: command for module in modules for command in module.COMMANDS}
    waiting = list(found.items())
    while waiting:
        path, group = waiting.pop()
        if isinstance(group, click.Group):
            members = {f"{path} {name}": command for name, command in group.commands.items()}
            found |= members
            waiting += members.items()
    return found


def test_every_option_of_a_command_has_a_help() -> None:
    without = [
        f"flask {words} {option.opts[0]}"
        for words, command in commands().items()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert without == []


def test_the_help_of_analyze_names_the_default_sets() -> None:
    from songrec.services.features.feature_sets import COMPARED_SETS, DEFAULT_SETS, NETWORKS

    option = next(one for one in commands()["analyze"].params if one.name == "features")
    assert f"Default: {','.join((*DEFAULT_SETS, *COMPARED_SETS))} and" in option.help
    assert ",".join(NETWORKS) in option.help


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_documents_show_exist(page: Path) -> None:
    options: dict[str, set[str]] = {}
    for words, command in commands().items():
        own = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        # A line may name a command's subcommands behind it: “merge A B, merges, undo ID”.
        for end in range(1, len(words.split()) + 1):
            options.setdefault(" ".join(words.split()[:end]), {"--help"}).update(own)
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for line in re.findall(r"flask ([a-z][\w-]*(?: [^`;|&\n]*)?)", text):
        words = line.split()
        known = [n for n in range(len(words), 0, -1) if " ".join(words[:n]) in options]
        if not known:
            continue
        named = " ".join(words[: known[0]])
        shown = re.findall(r"(?<![\w-])--?[a-z]+(?:-[a-z]+)*(?![\w-])", " ".join(words[known[0] :]))
        assert set(shown) <= options[named], f"flask {line}"


def test_the_documents_have_every_field_of_the_reports() -> None:
    from songrec.services.catalogue.ingest import IngestReport
    from songrec.services.library.analysis_report import AnalyzeReport

    ingest = IngestReport("songs", "by-columns", "unit", "UTF-8").to_json()
    for page, fields in {
        "data-formats.md": {*ingest, *ingest["columns"]},
        "sound-library.md": set(AnalyzeReport(Path()).to_json()),
    }.items():
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert {name for name in fields if f'"{name}"' not in text} == set(), page


def test_the_page_of_features_has_every_set() -> None:
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    for name in EXTRACTORS.names():
        assert f"`{name}`" in text, name


def test_the_page_on_feature_sets_has_every_field_of_an_entry() -> None:
    text = (ROOT / "docs" / "adding-a-feature-set.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(FeatureSet):
        assert f"`{field.name}`" in text or field.name in LEFT_TO_MODELS, field.name


def test_the_page_on_security_has_every_event() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert f"`{kind}`" in text, kind


def described_parameters(documentation: str) -> list[str]:
    """Return the names in a docstring's section *Parameters*."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)",
        inspect.cleandoc(documentation),
        flags=re.M | re.S,
    )
    lines = section.group(1).splitlines() if section else []
    names = [name for line in lines if line[:1].strip() for name in line.split(":")[0].split(",")]
    return [name.strip().lstrip("*") for name in names]


def accepted_parameters(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """Return the arguments of a function, or the fields and constructor's arguments of a class."""
    if isinstance(node, ast.FunctionDef):
        return {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    fields = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
    names = {field.id for field in fields if isinstance(field, ast.Name)}
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            names |= accepted_parameters(member)
    return names


def test_docstrings_describe_parameters_that_exist() -> None:
    unknown = []
    for path in sorted((ROOT / "songrec").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                described = described_parameters(ast.get_docstring(node) or "")
                wrong = set(described) - accepted_parameters(node)
                unknown += [f"{path.relative_to(ROOT)}: {node.name}({name})" for name in wrong]
    assert unknown == []


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
