"""Pages of runs with noise, several maps, a curve of cluster numbers and learnt weights."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.recommend.registry import METHODS
from songrec.services.recommendation.recommend import recommend_for
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store import jobs
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.store.tables import Run, Track, User
from songrec.web.admin.clustering_details import number_curve
from songrec.web.map.encoding import POINTS_HEADER
from tests.services.training.test_noise_and_labels import noisy
from tests.web.accounts import admin, quick_hashes
from tests.web.html import links, parse, texts

__all__ = ["admin", "quick_hashes"]  # fixtures


def published(app: Flask, session: Session, clustering: str, **more: object) -> Run:
    parameters = more.pop("parameters", {})
    run = train(
        Instance(app.config["INSTANCE"], session),
        TrainRequest(
            representation="identity",
            clustering=clustering,
            parameters={"clustering": parameters},
            **more,  # type: ignore[arg-type]
        ),
    )
    session.commit()
    return run


def test_every_page_lives_with_songs_in_no_cluster(
    app: Flask, client: FlaskClient, session: Session, admin: User
) -> None:
    noisy(session)
    run = published(app, session, "hdbscan", parameters={"min_cluster_size": 8})
    apart = session.query(Track).order_by(Track.id.desc()).first()
    assert apart is not None
    client.post(f"/tracks/{apart.public_id}/reaction", data={"value": "like"})
    for address in (
        "/",
        "/clusters/0",
        "/clusters/-1",
        "/tracks",
        f"/tracks/{apart.public_id}",
        "/map",
        "/map/points",
        "/recommendations",
        f"/admin/runs/{run.public_id}",
        "/admin/runs",
        f"/admin/compare?a=published&b={run.public_id}",
        "/api/v1/clusters",
    ):
        answer = client.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
    for method in METHODS.names():
        assert client.get(f"/recommendations?method={method}").status_code == 200
    assert "Ungrouped songs" in texts(client.get("/map"), ".map-entries a")
    body = client.get("/map/points").data
    count = POINTS_HEADER.unpack_from(body)[4]
    labels = np.frombuffer(body, "<i1", offset=POINTS_HEADER.size + 4 * count)
    assert (labels == -1).sum() == runs.clusters_of(session, run)[-1].size > 0


@pytest.mark.parametrize("method", METHODS.names())
def test_recommendations_from_a_song_in_no_cluster(
    app: Flask, session: Session, method: str
) -> None:
    noisy(session)
    published(app, session, "hdbscan", parameters={"min_cluster_size": 8})
    instance = app.config["INSTANCE"]
    space = published_space(Instance(instance, session))
    apart = space.track_ids[space.labels == -1]
    liked, disliked = [int(apart[0])], [int(apart[1])]
    found = recommend_for(Instance(instance, session), liked, disliked, method=method, n=10)
    # A song in no cluster has no company in its cluster, as that method's documentation says.
    assert len(found) == (0 if method == "cluster" else 10)
    assert not {one.track.id for one in found} & {*liked, *disliked}
    assert all(np.isfinite(one.score) for one in found)


def test_the_map_offers_the_projections_of_the_run(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    noisy(session)
    published(app, session, "kmeans", maps=("tsne",))
    own, other = client.get("/map"), client.get("/map?projection=tsne")
    for page, label, points in (
        (own, "Principal components", "/map/points"),
        (other, "t-SNE", "/map/points?projection=tsne"),
    ):
        assert links(page, ".map-maps a") == {
            "Principal components": "/map",
            "t-SNE": "/map?projection=tsne",
        }
        assert texts(page, ".map-maps [aria-current]") == [label]
        settings = json.loads(parse(page).select_one("#map-settings")["data-settings"])
        assert settings["points"] == points
    points = client.get("/map/points").data
    assert client.get("/map/points?projection=pca").data == points
    drawn = client.get("/map/points?projection=tsne").data
    assert len(drawn) == len(points)
    assert drawn != points
    assert client.get("/map?projection=umap").status_code == 404
    assert client.get("/map/points?projection=../clustering").status_code == 404


def test_a_run_with_one_map_offers_no_choice(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    noisy(session)
    published(app, session, "kmeans")
    assert texts(client.get("/map"), ".map-maps") == []


def test_the_run_page_draws_the_curve_and_what_was_listened_to(
    app: Flask, client: FlaskClient, session: Session, admin: User
) -> None:
    noisy(session)
    run = published(
        app,
        session,
        "weighted_kmeans",
        maps=("tsne",),
        parameters={"n_clusters": 0, "max_clusters": 5, "beta": 3, "n_init": 1},
    )
    page = client.get(f"/admin/runs/{run.public_id}")
    headings = texts(page, "main h2")
    assert {
        "Number of clusters",
        "Feature weights of the clustering",
        "Agreement with labels",
    } <= set(headings)
    (curve,) = texts(page, "#number-text")
    assert curve.endswith(f". {run.cluster_count} was chosen.")
    assert "acousticness" in texts(page, ".feature-weights .name")
    assert "Trustworthiness" in texts(page, "main thead th")
    by_chance = texts(page, "main td .explain")
    assert [text for text in by_chance if re.fullmatch(r"by chance -?0\.\d+", text)]


def test_the_form_asks_for_further_maps(client: FlaskClient, session: Session, admin: User) -> None:
    asking = {
        "projection": "umap",
        "map.umap": "yes",
        "map.tsne": "yes",
        "projection.tsne.perplexity": "50",
    }
    client.post("/admin/train", data=asking)
    asked = jobs.page(session, 1)[0][0].parameters
    assert asked["projection"] == "umap"
    assert asked["maps"] == ["tsne"]
    assert asked["map_parameters"] == {"tsne": {"perplexity": 50.0}}
    assert asked["feature_set"] == "auto"
    TrainRequest.from_json(asked).validated_parameters()
    assert parse(client.get("/admin/train")).select('input[name="map.tsne"]')
    wrong = client.post("/admin/train", data={**asking, "projection.tsne.perplexity": "x"})
    assert wrong.status_code == 400
    (error,) = texts(wrong, ".error")
    assert "must be a number from 2 to 200" in error


def test_a_curve_needs_two_points_and_shows_where_the_kept_one_is() -> None:
    tried = {
        "by": "bic",
        "better": "lower",
        "points": [[2, 9.0], [3, 4.0], [4, None], [5, 6.0]],
        "chosen": 3,
        "sample": 10_000,
    }
    curve = number_curve(tried)
    assert curve is not None
    assert [dot[2] for dot in curve.dots] == [2, 3, 5]
    kept = next(dot for dot in curve.dots if dot[2] == curve.chosen)
    assert kept[1] == max(dot[1] for dot in curve.dots)  # the least value lies lowest
    assert number_curve(None) is None
    assert number_curve({**tried, "points": [[2, 1.0]]}) is None
