"""The admin's pages of the sound library: analysis of folders, files, and rejects with reasons."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.core.registry import Entry, Parameter
from songrec.jobs import queue
from songrec.services.features.feature_sets import (
    EXTRACTORS,
    MEASURING,
    default_sets,
    installed_sets,
)
from songrec.services.library.demo_songs import DEMO, has_demo
from songrec.services.library.own_folders import refuse_own_folder
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.sound import audio_files
from songrec.web.admin import blueprint
from songrec.web.admin.paging import Pages, page_number
from songrec.web.admin.queueing import queue_once

SIZE = 50
ALWAYS = MEASURING
USUAL = frozenset({"mfcc", "timbre", "chroma", ALWAYS})
STATES = {"analysed": "Analysed", "listed": "Waiting", "rejected": "Rejected", "missing": "Missing"}
_ADJUSTED = ("model", "pooling")
"""Parameters of MusiCNN in the form; the command's ``--set`` accepts all."""


@dataclass
class AnalysisForm:
    """The form's fields as text, and their errors."""

    folder: str = ""
    features: frozenset[str] = USUAL
    chosen: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_request(cls) -> AnalysisForm:
        """Return the submitted form, validated."""
        form = cls(
            request.form.get("folder", "").strip()[:1000],
            frozenset(request.form.getlist("features")) | {ALWAYS},
        )
        for parameter in form.adjusted:
            text = request.form.get(f"musicnn.{parameter.name}", parameter.default)
            try:
                form.chosen[parameter.name] = parameter.coerce(text, "musicnn")
            except BadInput as error:
                form.errors[parameter.name] = str(error)
        reason = _why_not(form.folder)
        if reason:
            form.errors["folder"] = reason
        unknown = sorted(form.features - set(_offered()))
        if unknown:
            form.errors["features"] = f"Unknown feature set {unknown[0]!r}."
        return form

    @property
    def offered(self) -> list[Entry]:
        """The feature sets to choose from."""
        return [EXTRACTORS.entry(name) for name in _offered()]

    @property
    def adjusted(self) -> list[Parameter]:
        """The parameters of MusiCNN to choose from."""
        parameters = EXTRACTORS.entry("musicnn").parameters
        return [parameter for parameter in parameters if parameter.name in _ADJUSTED]

    @property
    def given(self) -> list[str]:
        """Settings other than the defaults, as for the command's ``--set``."""
        return [
            f"musicnn.{parameter.name}={self.chosen[parameter.name]}"
            for parameter in self.adjusted
            if "musicnn" in self.features
            and self.chosen.get(parameter.name, parameter.default) != parameter.default
        ]


def _offered() -> tuple[str, ...]:
    return installed_sets(current_app.config["INSTANCE"])


def _why_not(folder: str) -> str | None:
    """Why ``folder`` cannot be analysed; None if it can."""
    if not folder:
        return "Give the folder with the audio files."
    path = Path(folder).expanduser()
    if "\0" in folder or not path.is_absolute():
        return "Give an absolute path (starting with /)."
    if not path.is_dir():
        return f"No folder {folder} on the server."
    if not os.access(path, os.R_OK | os.X_OK):
        return f"The server has no permission to read {folder}."
    try:
        refuse_own_folder(path, current_app.config["INSTANCE"])
    except BadInput as error:
        return str(error)
    return None


@blueprint.get("/library")
def library() -> ResponseReturnValue:
    """List the library's files by state, with the form to analyse a folder."""
    usual = default_sets(current_app.config["INSTANCE"])
    return _page(AnalysisForm(features=frozenset(usual).intersection(_offered())))


@blueprint.post("/library")
def analyze() -> ResponseReturnValue:
    """Queue the analysis of a folder on the server."""
    form = AnalysisForm.from_request()
    if form.errors:
        return _page(form), 400
    folder = Path(form.folder).expanduser().resolve()
    parameters = {
        "folder": str(folder),
        "features": [name for name in _offered() if name in form.features],
        "file": folder.name or str(folder),
    }
    if form.given:
        parameters["set"] = form.given
    return queue_once("analyze", parameters)


@blueprint.post("/library/demo")
def add_demo() -> ResponseReturnValue:
    """Queue the synthesis and analysis of the demo music."""
    return queue_once("setup", {"catalogue": None, "audio": DEMO})


@blueprint.post("/library/demo/remove")
def remove_demo() -> ResponseReturnValue:
    """Queue the removal of the demo songs."""
    return queue_once("remove-demo", {})


def _page(form: AnalysisForm) -> str:
    counts = audio_files.counts(db.session)
    state = request.args.get("state", "")
    if state not in STATES:
        state = "rejected" if counts["rejected"] else "analysed"
    number = page_number()
    files, total = audio_files.page(db.session, state, number, SIZE)
    return render_template(
        "admin/library.html",
        form=form,
        always=ALWAYS,
        counts=counts,
        states=STATES,
        state=state,
        files=files,
        tracks=audio_files.tracks_of(db.session, files),
        roots=audio_files.roots(db.session),
        page=Pages(number, total, SIZE),
        worker=queue.worker_runs(current_instance()),
        has_demo=has_demo(current_instance()),
    )
