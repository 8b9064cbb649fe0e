"""A grid asked for with parameters from the form: several values, errors beside their fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from songrec.services.sweeps.folder import SweepFolder
from songrec.services.sweeps.specification import AlgorithmChoice, SweepSpec, parse_yaml
from songrec.store.tables import Job, User
from songrec.web.admin.sweep_form import GridForm
from tests.web.accounts import admin, quick_hashes
from tests.web.html import links, parse, text_of, texts

__all__ = ["admin", "quick_hashes"]  # fixtures

ASKED: dict[str, Any] = {
    "features": "attributes",
    "representation": ["pca", "vae"],
    "clustering": ["gmm"],
    "projection": "pca",
    "seeds": "0,1",
    "clusters": "8",
}


def sent(**more: Any) -> GridForm:
    return GridForm.from_request(
        MultiDict({**ASKED, **{k.replace("__", "."): v for k, v in more.items()}})
    )


def test_several_values_and_several_ticks_are_every_combination() -> None:
    form = sent(
        representation__vae__epochs="5; 30",
        representation__vae__hidden="16,8 ; 64,32",
        clustering__gmm__covariance_type=["full", "diag"],
    )
    assert form.error == ""
    assert form.spec is not None
    models = [str(one) for one in form.spec.representation]
    assert models == [
        "pca",
        "vae (epochs 5, hidden 16,8)",
        "vae (hidden 16,8)",
        "vae (epochs 5)",
        "vae",
    ]
    assert form.spec.clustering == (
        AlgorithmChoice("gmm"),
        AlgorithmChoice("gmm", {"covariance_type": "diag"}),
    )
    # Five models × two mixtures × two seeds, and the baseline.
    assert form.cells == 5 * 2 * 2 + 2
    assert parse_yaml(form.yaml, "f") == form.spec


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        (
            {"representation__vae__epochs": "5; many"},
            "representation.vae.epochs",
            "'epochs' of vae must be a whole number from 1 to",
        ),
        ({"representation__vae__beta": "0.1; -1"}, "representation.vae.beta", "given '-1'"),
        (
            {"clustering__gmm__covariance_type": ["round"]},
            "clustering.gmm.covariance_type",
            "one of full",
        ),
        (
            {
                "representation__vae__epochs": ";".join(map(str, range(1, 101))),
                "representation__vae__latent": ";".join(map(str, range(1, 61))),
            },
            "representation.vae",
            "more than 5,000 combinations",
        ),
    ],
)
def test_a_wrong_value_is_said_beside_its_field(
    client: FlaskClient, session: Session, admin: User, more: Any, field: str, said: str
) -> None:
    data = {**ASKED, **{k.replace("__", "."): v for k, v in more.items()}, "action": "start"}
    answer = client.post("/admin/grids", data=data)
    assert answer.status_code == 400
    assert "Nothing was started: correct 1 field below." in answer.text
    assert said in GridForm.from_request(MultiDict(data)).errors[field]
    assert [error for error in texts(answer, ".error") if said in error]
    assert session.scalar(select(Job)) is None


def test_the_settings_of_what_is_not_ticked_do_not_matter() -> None:
    assert sent(representation__autoencoder__epochs="never").error == ""


def test_what_was_written_stays_and_is_unfolded(client: FlaskClient, admin: User) -> None:
    data = {**ASKED, "representation.vae.epochs": "5; 30", "quick": "yes", "action": "count"}
    page = parse(client.post("/admin/grids", data=data))
    (settings,) = page.select("details.parameters[open]")
    assert text_of(settings.summary) == "Settings of Variational autoencoder"
    assert settings.select_one('[name="representation.vae.epochs"]')["value"] == "5; 30"
    assert page.select_one("input[name=quick]").has_attr("checked")
    assert not page.select_one("input[name=bootstrap_refit]").has_attr("checked")
    assert "Start 8 cells" in texts(str(page), "button")
    assert texts(str(page), ".as-file code") == ["flask compare --grid FILE"]


def test_a_grid_with_parameters_becomes_a_job(
    client: FlaskClient, session: Session, admin: User
) -> None:
    data = {**ASKED, "representation.vae.epochs": "5", "bootstrap_refit": "yes"}
    client.post("/admin/grids", data={**data, "action": "start", "counted": "6"})
    job = session.scalars(select(Job)).one()
    spec = SweepSpec.from_mapping(job.parameters["grid"])
    assert spec.representation == (AlgorithmChoice("pca"), AlgorithmChoice("vae", {"epochs": 5}))
    assert spec.bootstrap_refit
    assert not spec.quick


@pytest.mark.parametrize(
    ("given", "can"),
    [
        (
            {
                "representation": [{"vae": {"epochs": 5}}, "vae"],
                "clusters": ["auto", 8],
                "seeds": 3,
                "quick": True,
            },
            True,
        ),
        ({"clustering": [{"kmeans": {"clusters": 3}}]}, False),
        ({"representation": [{"vae": {"epochs": 5}}, {"vae": {"beta": 1.0}}]}, False),
    ],
)
def test_a_grid_fills_the_form_where_the_form_can_say_it(given: dict[str, Any], can: bool) -> None:
    spec = SweepSpec.from_mapping(given)
    form = GridForm.like(spec)
    assert (form is not None) == can
    if form is not None:
        assert form.spec == spec


def test_another_grid_begins_with_one_that_is_there(
    app: Flask, client: FlaskClient, admin: User
) -> None:
    spec = SweepSpec.from_mapping({"representation": [{"vae": {"epochs": 7}}], "seeds": "4,5"})
    SweepFolder.begin(Path(app.config["INSTANCE"]), "0123456789ab", spec, 5)
    offered = links(client.get("/admin/grids/0123456789ab"))
    assert offered["Change and run another"] == "/admin/grids?like=0123456789ab"
    page = parse(client.get(offered["Change and run another"]))
    assert page.select_one('[name="representation.vae.epochs"]')["value"] == "7"
    assert page.select_one("[name=seeds]")["value"] == "4,5"
    assert client.get("/admin/grids?like=ffffffffffff").status_code == 404
