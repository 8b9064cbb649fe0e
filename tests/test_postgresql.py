"""Everything but the queue on PostgreSQL: ingest, train, publish, every page, likes, playlists."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from flask_migrate import check, upgrade

from songrec import create_app
from songrec.services.catalogue.ingest import ingest_file
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.runs import runs

pytestmark = pytest.mark.postgresql

ROOT = Path(__file__).resolve().parents[1]


def test_the_whole_loop_works_on_postgresql(server_url: str, tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    app = create_app(
        {
            "INSTANCE": instance,
            "SQLALCHEMY_DATABASE_URI": server_url,
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
        }
    )
    with app.app_context():
        upgrade()
        check()
        report = ingest_file(db.session, ROOT / "data" / "preprocess.csv")
        assert (report.inserted, report.rejected_count) == (3024, 0)
        request = TrainRequest(representation="pca", clustering="kmeans")
        run = train(Instance(instance, db.session), request)
        runs.publish(db.session, run.public_id)
        db.session.commit()
        client = app.test_client()

        def page(address: str) -> str:
            answer = client.get(address, follow_redirects=True)
            assert answer.status_code == 200, (address, answer.get_data(as_text=True)[-2000:])
            return html.unescape(answer.get_data(as_text=True))

        def titles(body: str) -> list[str]:
            return re.findall(r'class="title" href="/tracks/([^"]*)"', body)

        assert page("/").count('class="card-cluster"') == 10
        songs = titles(page("/tracks?q=the"))
        assert songs
        for address in (
            "/clusters/0",
            "/clusters/0?sort=tempo&order=down",
            "/tracks?genre=jazz",
            "/tracks?energy_min=0.2&energy_max=0.3",
            "/tracks?energy_min=0.2&sort=artist",
            "/tracks?emotion=joy&q=a",
            f"/tracks/{songs[0]}",
            "/map",
            "/map/points",
            "/map/points?column=genre",
            "/map/titles?rows=0,1,2",
            "/map/search?q=the",
            "/likes",
            "/mood?genre=Jazz&emotion=calm",
            "/playlists",
        ):
            if address.startswith("/map/"):
                assert client.get(address).status_code == 200, address
            else:
                page(address)
        for song in songs[:3]:
            assert client.post(f"/tracks/{song}/reaction", data={"value": "like"}).status_code in (
                302,
                303,
            )
            client.post(f"/tracks/{song}/reaction", data={"value": "like"})
        recommended = titles(page("/recommendations"))
        assert len(recommended) == 20
        assert not set(songs[:3]) & set(recommended)
        client.post("/playlists", data={"name": "Mine", "tracks": ",".join(recommended)})
        assert "Mine" in page("/playlists")
        db.session.remove()
        db.engine.dispose()
