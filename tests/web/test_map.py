"""The map's addresses: bytes that decode to what was planted, and titles when asked for."""

from __future__ import annotations

import gzip
import html
import json
import re
import struct

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.store.catalogue import artists
from songrec.store.tables import Album, Tag, Track, TrackTag
from songrec.web.map.encoding import encode_amounts, encode_names, encode_points
from songrec.web.map.payloads import plotly_version
from songrec.web.map.words import place
from tests.factories import make_track
from tests.planted_run import Planted, publish
from tests.web.html import links, parse


def decode_points(body: bytes) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Written from the format's description, not from the code that encodes."""
    assert body[:4] == b"SRMP"
    version, width, _, n = struct.unpack_from("<BBHI", body, 4)
    assert version == 1
    left, right, bottom, top = struct.unpack_from("<4f", body, 12)
    x = np.frombuffer(body, "<u2", n, 44) / 65535 * (right - left) + left
    y = np.frombuffer(body, "<u2", n, 44 + 2 * n) / 65535 * (top - bottom) + bottom
    labels = np.frombuffer(body, f"<i{width}", n, 44 + 4 * n)
    assert len(body) == 44 + (4 + width) * n
    return np.column_stack([x, y]), labels, struct.unpack_from("<4f", body, 28)


def decode_column(body: bytes) -> tuple[np.ndarray, tuple[float, float], list]:
    assert body[:4] == b"SRMC"
    version, kind, width, _, n = struct.unpack_from("<BBBBI", body, 4)
    assert version == 1
    codes = np.frombuffer(body, f"<u{width}", n, 20)
    rest = body[20 + n * width :]
    return codes, struct.unpack_from("<2f", body, 12), json.loads(rest) if kind else []


def test_points_decode_to_the_planted_coordinates_and_labels(
    client: FlaskClient, planted: Planted
) -> None:
    coordinates, labels, _ = decode_points(client.get("/map/points").data)
    step = np.ptp(planted.coordinates, axis=0) / 65535
    assert np.all(np.abs(coordinates - planted.coordinates) <= 0.51 * step + 1e-6)
    assert np.array_equal(labels, planted.labels)


def test_labels_that_need_two_bytes_get_them() -> None:
    labels = np.array([-1, 0, 300], dtype=np.int32)
    _, decoded, _ = decode_points(encode_points(np.zeros((3, 2), np.float32), labels))
    assert decoded.tolist() == [-1, 0, 300]


def test_outliers_do_not_widen_the_first_view() -> None:
    coordinates = np.random.default_rng(1).normal(0, 1, (5000, 2)).astype(np.float32)
    coordinates[7] = (900, -900)
    decoded, _, (left, right, bottom, top) = decode_points(
        encode_points(coordinates, np.zeros(5000, np.int32))
    )
    assert -5 < left < right < 5
    assert -5 < bottom < top < 5
    assert decoded[7] == pytest.approx((900, -900), abs=0.02)


@pytest.mark.parametrize("n", [0, 1])
def test_no_track_and_one_track_have_a_view_with_an_extent(n: int) -> None:
    points, _, (left, right, bottom, top) = decode_points(
        encode_points(np.full((n, 2), 3, np.float32), np.zeros(n, np.int32))
    )
    assert len(points) == n
    assert left < right
    assert bottom < top


def test_a_hundred_thousand_tracks_are_half_a_megabyte() -> None:
    body = encode_points(np.zeros((100_000, 2), np.float32), np.zeros(100_000, np.int32))
    assert len(body) == 500_044


def test_amounts_decode_within_a_step_and_unknown_stays_unknown() -> None:
    values = np.array([0.0, 0.3, 1.0, np.nan, 7.0, -7.0], dtype=np.float32)
    codes, (low, high), _ = decode_column(encode_amounts(values, 0.0, 1.0))
    assert (low, high) == (0.0, 1.0)
    assert codes[:3] / 254 == pytest.approx([0, 0.3, 1], abs=1 / 254)
    assert codes[3:].tolist() == [255, 254, 0]


def test_names_are_numbered_by_frequency_and_unknown_is_marked() -> None:
    codes, _, names = decode_column(encode_names(["rap", "folk", None, "rap"]))
    assert names == [["rap", 2], ["folk", 1]]
    assert codes.tolist() == [0, 1, 255, 0]


def test_more_than_254_names_take_two_bytes() -> None:
    codes, _, names = decode_column(encode_names([*(f"g{i}" for i in range(400)), None]))
    assert len(names) == 400
    assert codes[-1] == 65535
    assert names[codes[7]][0] == "g7"


def test_a_column_decodes_to_the_planted_attribute(client: FlaskClient, planted: Planted) -> None:
    codes, (low, high), _ = decode_column(client.get("/map/points?column=energy").data)
    energy = planted.values[:, ATTRIBUTE_NAMES.index("energy")]
    assert low + codes / 254 * (high - low) == pytest.approx(energy, abs=1 / 254)


def test_the_genre_column_names_each_tracks_first_genre(
    client: FlaskClient, planted: Planted, session: Session
) -> None:
    track = session.get_one(Track, int(planted.track_ids[5]))
    session.execute(delete(TrackTag).where(TrackTag.track_id == track.id))
    tags = [Tag(kind="genre", name="zydeco"), Tag(kind="genre", name="zouk")]
    session.add_all(tags)
    session.flush()
    session.add_all(TrackTag(track_id=track.id, tag_id=tag.id) for tag in tags)
    session.commit()
    codes, _, names = decode_column(client.get("/map/points?column=genre").data)
    assert names[codes[5]] == ["zydeco", 1]
    assert names[codes[0]][0] == "folk"


def test_an_unknown_column_says_what_there_is(client: FlaskClient, planted: Planted) -> None:
    answer = client.get("/map/points?column=enrgy", headers={"Accept": "application/json"})
    assert answer.status_code in (400, 404)
    assert "energy" in answer.get_json()["message"]


def test_a_revisit_is_answered_with_304_and_no_body(client: FlaskClient, planted: Planted) -> None:
    first = client.get("/map/points")
    again = client.get("/map/points", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert "no-cache" in first.headers["Cache-Control"]


def test_another_run_is_another_etag(
    app: Flask, client: FlaskClient, planted: Planted, session: Session
) -> None:
    first = client.get("/map/points").headers["ETag"]
    moved = (planted.coordinates + [[1, 0]] * planted.labels[:, None]).astype(np.float32)
    publish(
        session, app.config["INSTANCE"], planted.track_ids, planted.labels, moved, planted.values
    )
    session.commit()
    answer = client.get("/map/points", headers={"If-None-Match": first})
    assert answer.status_code == 200
    assert decode_points(answer.data)[0] == pytest.approx(moved, abs=0.001)


def test_an_address_with_its_run_may_be_kept_for_ever(
    client: FlaskClient, planted: Planted
) -> None:
    answer = client.get(f"/map/points?run={planted.run.public_id}")
    assert "immutable" in answer.headers["Cache-Control"]
    named = client.get(f"/map/points?run={planted.run.public_id}&column=genre")
    assert "immutable" not in named.headers["Cache-Control"]


def test_a_page_of_an_older_run_is_told_to_reload(client: FlaskClient, planted: Planted) -> None:
    for address in ("/map/points?run=older", "/map/titles?run=older&rows=1"):
        assert client.get(address).status_code == 409


def test_whoever_takes_gzip_gets_the_same_bytes_in_fewer(
    client: FlaskClient, planted: Planted
) -> None:
    plain = client.get("/map/points?column=genre")
    packed = client.get("/map/points?column=genre", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data)
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Encoding" in packed.headers["Vary"]


def test_points_are_public_and_set_no_cookie(client: FlaskClient, planted: Planted) -> None:
    answer = client.get("/map/points")
    assert "public" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers


def test_titles_come_for_the_rows_asked_for(client: FlaskClient, planted: Planted) -> None:
    songs = client.get("/map/titles?rows=5,2").get_json()
    assert [song["row"] for song in songs] == [5, 2]
    assert [song["title"] for song in songs] == ["Song 6", "Song 3"]
    assert songs[0]["cluster"] == planted.labels[5]
    assert len(songs[0]["traits"]) == 3


def test_traits_tell_what_a_song_stands_out_by(client: FlaskClient, planted: Planted) -> None:
    energy = planted.values[:, ATTRIBUTE_NAMES.index("energy")]
    calmest = int(np.argmin(energy))
    (song,) = client.get(f"/map/titles?rows={calmest}").get_json()
    told = {trait["name"]: trait for trait in song["traits"]}
    assert told["energy"]["text"] == "calmer than 99% of the catalogue"
    assert told["energy"]["share"] < 0.01


@pytest.mark.parametrize(
    "rows", ["x", "1,2,x", "-1", "240", ",".join(map(str, range(101)))], ids=lambda r: r[:8]
)
def test_rows_that_cannot_be_answered_are_refused(
    client: FlaskClient, planted: Planted, rows: str
) -> None:
    assert client.get(f"/map/titles?rows={rows}").status_code == 400


def test_search_puts_the_song_of_that_title_first(client: FlaskClient, planted: Planted) -> None:
    songs = client.get("/map/search?q=song 42").get_json()
    assert songs[0]["title"] == "Song 42"
    assert songs[0]["row"] == 41
    assert len(songs) <= 8
    assert client.get("/map/search?q=").get_json() == []


def test_my_likes_are_rows_that_no_cache_may_keep(
    app: Flask, client: FlaskClient, planted: Planted
) -> None:
    run = planted.run.public_id
    assert client.get("/map/mine").get_json() == {"liked": [], "disliked": [], "places": {}}
    liked = client.post("/map/likes", data={"run": run, "rows": "3,7"})
    assert liked.get_json() == {"liked": [3, 7], "likes": 2}
    client.post("/tracks/p000000001/reaction", data={"value": "dislike"})
    mine = client.get("/map/mine")
    assert sorted(mine.get_json()["liked"]) == [3, 7]
    assert mine.get_json()["disliked"] == [0]
    assert "no-store" in mine.headers["Cache-Control"]
    assert "public" not in mine.headers["Cache-Control"]
    assert app.test_client().get("/map/mine").get_json()["liked"] == []


def test_likes_are_bounded_and_belong_to_the_run_they_name(
    client: FlaskClient, planted: Planted
) -> None:
    run = planted.run.public_id
    many = ",".join(map(str, range(201)))
    assert client.post("/map/likes", data={"run": run, "rows": many}).status_code == 400
    assert client.post("/map/likes", data={"run": run, "rows": ""}).status_code == 400
    assert client.post("/map/likes", data={"run": "older", "rows": "1"}).status_code == 409
    assert client.get("/map/mine").get_json()["liked"] == []


def test_the_page_lists_every_cluster_its_size_its_place_and_typical_songs(
    client: FlaskClient, planted: Planted
) -> None:
    text = client.get("/map").get_data(as_text=True)
    listed = text[text.index("map-entries") :]
    for number, name in enumerate(("calm acoustic folk", "loud fast rap")):
        assert f'href="/clusters/{number}">{name.capitalize()}' in listed
        size = int((planted.labels == number).sum())
        assert f"{size} songs, " in listed
    assert "songs, right" in listed
    assert listed.count('href="/tracks/') == 12


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [(0, 0, "centre"), (-9, 9, "top left"), (9, 0, "right"), (0, -9, "bottom")],
)
def test_places_are_said_in_words(x: float, y: float, said: str) -> None:
    assert place(x, y, (-10, 10, -10, 10)) == said


def test_the_page_hands_over_the_song_and_cluster_of_its_address(
    client: FlaskClient, planted: Planted
) -> None:
    def shown(query: str) -> dict:
        text = client.get(f"/map{query}").get_data(as_text=True)
        (settings,) = re.findall(r'id="map-settings" data-settings="([^"]*)"', text)
        return json.loads(html.unescape(settings))["show"]

    assert shown("?track=p000000009")["song"]["title"] == "Song 9"
    assert shown("?track=nobody") == {"song": None, "cluster": None, "songs": None}
    assert shown("?cluster=2")["cluster"] == 2


def test_pages_of_artists_and_albums_lead_to_their_songs_on_the_map(
    client: FlaskClient, session: Session, planted: Planted
) -> None:
    (track_id,) = session.scalars(select(Track.id).where(Track.title == "Song 9"))
    artist = artists.names_of_tracks(session, [track_id])[track_id][0]
    row = artists.find_artist(session, artist)
    by = artists.track_ids(session, row.id, 500)
    album = Album(public_id="alb", title="Nine", artist_id=row.id)
    session.add(album)
    session.flush()
    session.get(Track, track_id).album_id = album.id
    session.commit()
    for page, of, ids in (
        (f"/artists/{row.public_id}", f"by {artist}", by),
        ("/albums/alb", "on Nine", [track_id]),
    ):
        (address,) = (
            href for text, href in links(client.get(page)).items() if text == "Show on map"
        )
        settings = parse(client.get(address)).select_one("#map-settings")["data-settings"]
        shown = json.loads(settings)["show"]["songs"]
        assert shown["of"] == of
        assert planted.track_ids[shown["rows"]].tolist() == ids
    new = make_track(session, "New", artists="Newcomer")
    session.commit()
    newcomer = artists.names_of_tracks(session, [new.id])[new.id][0]
    for query in (f"?artist={newcomer}", "?artist=no", "?album=no", "?album="):
        settings = parse(client.get(f"/map{query}")).select_one("#map-settings")["data-settings"]
        assert json.loads(settings)["show"]["songs"] is None


def test_without_a_run_the_page_says_what_to_do_and_the_data_is_not_ready(
    client: FlaskClient,
) -> None:
    page = client.get("/map")
    assert page.status_code == 200
    assert "flask train" in page.get_data(as_text=True)
    assert client.get("/map/points").status_code == 503


def test_only_the_framed_document_that_plotly_draws_in_may_evaluate(
    client: FlaskClient, planted: Planted
) -> None:
    # The WebGL layer of Plotly's bundle compiles its draw calls.
    answer = client.get("/map/drawing")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "unsafe-inline" not in policy
    for address in ("/", "/map", "/map/points", "/tracks"):
        headers = client.get(address).headers
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"


def test_plotly_comes_from_the_package_packed_and_kept(client: FlaskClient) -> None:
    address = f"/assets/plotly-{plotly_version()}.min.js"
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert gzip.decompress(answer.data).lstrip().startswith(b"/**\n* plotly.js")
    again = client.get(
        address, headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
    assert client.get("/assets/plotly-0.0.1.min.js").status_code == 404


def test_header_page_and_footer_are_as_wide_as_each_other(
    client: FlaskClient, planted: Planted
) -> None:
    widths = re.findall(r'<div class="(wrap[^"]*)"', client.get("/map").text)
    assert widths == ["wrap wrap-wide"] * 3
    assert set(re.findall(r'<div class="(wrap[^"]*)"', client.get("/").text)) == {"wrap"}


def test_names_of_a_view_are_groups_from_afar_and_titles_from_close_by(
    client: FlaskClient, planted: Planted
) -> None:
    whole = client.get("/map/names?view=0,65535,0,65535&size=1100,700").get_json()
    assert {name["text"] for name in whole if name["kind"] == "group"} == {
        "Calm acoustic folk",
        "Loud fast rap",
        "Bright dance pop",
        "Heavy metal",
    }
    assert any(name["kind"] == "title" for name in whole)
    plane = planted.coordinates
    for name in whole:
        if name["kind"] == "title":
            assert name["text"] == f"Song {name['key'] + 1}"
            assert [name["x"], name["y"]] == pytest.approx(plane[name["key"]].tolist(), abs=0.01)
            assert name["group"] == planted.labels[name["key"]]


def test_the_best_known_song_of_a_neighbourhood_is_the_one_that_is_named(
    client: FlaskClient, planted: Planted
) -> None:
    names = client.get("/map/names?view=0,65535,0,65535&size=400,260").get_json()
    titled = [name["key"] for name in names if name["kind"] == "title"]
    popularity = planted.values[:, ATTRIBUTE_NAMES.index("popularity")]
    assert 0 < len(titled) < 60
    assert np.median(popularity[titled]) > np.median(popularity)


def test_groups_of_genre_have_their_names_on_the_map(client: FlaskClient, planted: Planted) -> None:
    names = client.get("/map/names?view=0,65535,0,65535&size=1100,700&column=genre").get_json()
    assert {n["text"] for n in names if n["kind"] == "group"} == {"Folk", "Rap", "Dance", "Metal"}


@pytest.mark.parametrize(
    "query",
    [
        "names?view=0,9,0&size=99,99",
        "names?view=9,0,0,9&size=99,99",
        "names?view=0,9,0,99999&size=99,99",
        "names?view=0,9,0,9&size=99,99999",
        "names?view=0,9,0,9&size=99,x",
        "cells?view=0,9,0,9&cells=0,5",
        "cells?view=0,9,0,9&cells=400,5",
        "inside?shape=1,2,3",
        "inside?shape=" + ",".join(["1"] * 122),
    ],
)
def test_a_view_that_is_none_is_refused(client: FlaskClient, planted: Planted, query: str) -> None:
    assert client.get(f"/map/{query}").status_code == 400


def test_a_part_of_the_map_holds_the_songs_of_that_part(
    client: FlaskClient, planted: Planted
) -> None:
    body = client.get("/map/cells?view=0,32767,0,65535&cells=100,80").data
    assert body[:4] == b"SRMV"
    (n,) = struct.unpack_from("<I", body, 8)
    rows = np.frombuffer(body, "<u4", n, 24)
    groups = np.frombuffer(body, "u1", n, 24 + 8 * n)
    assert 0 < n < 240
    assert np.array_equal(groups, planted.labels[rows])
    assert planted.coordinates[rows, 0].max() < planted.coordinates[:, 0].max()
    legend = client.get("/map/legend").get_json()
    assert legend["counts"] == np.bincount(planted.labels).tolist()
    energy = client.get("/map/legend?column=energy").get_json()
    assert (energy["kind"], energy["low"], energy["high"], energy["bins"]) == ("amounts", 0, 1, 10)
    assert sum(energy["counts"]) == 240


def test_a_large_map_says_where_songs_lie_and_what_a_shape_encloses(
    client: FlaskClient, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("songrec.web.map.views.MOST_POINTS", 100)
    settings = json.loads(parse(client.get("/map")).select_one("#map-settings")["data-settings"])
    assert settings["cells"].startswith("/map/cells")
    (song,) = client.get("/map/titles?rows=5").get_json()
    assert song["place"] == pytest.approx(planted.coordinates[5].tolist(), abs=0.01)
    found = client.get("/map/inside?shape=0,0,65535,0,65535,65535,0,65535").get_json()
    assert found["count"] == 240
    assert len(found["places"]) == len(found["rows"]) == 240


def test_a_path_on_the_map_leads_from_one_song_to_the_other(
    client: FlaskClient, planted: Planted
) -> None:
    answer = client.get("/map/path?from=p000000003&to=p000000090")
    songs = answer.get_json()
    assert (songs[0]["title"], songs[-1]["title"]) == ("Song 3", "Song 90")
    assert len({song["row"] for song in songs}) == len(songs) == 8
    assert "no-store" in answer.headers["Cache-Control"]
    assert client.get("/map/path?from=p000000003&to=p000000003").status_code == 400


def test_only_what_tells_songs_apart_is_offered_as_a_colour(
    app: Flask, client: FlaskClient, planted: Planted, session: Session
) -> None:
    values = planted.values.copy()
    values[:, ATTRIBUTE_NAMES.index("liveness")] = 0.5
    values[:, ATTRIBUTE_NAMES.index("explicit")] = 0
    emotions = select(Tag.id).where(Tag.kind == "emotion")
    session.execute(delete(TrackTag).where(TrackTag.tag_id.in_(emotions)))
    publish(
        session,
        app.config["INSTANCE"],
        planted.track_ids,
        planted.labels,
        planted.coordinates + 1,
        values,
    )
    session.commit()
    page = parse(client.get("/map"))
    offered = [option["value"] for option in page.select("#map-colour option")]
    assert offered[:2] == ["cluster", "genre"]
    assert {"energy", "tempo"} <= set(offered)
    assert not {"liveness", "explicit"} & set(offered)


def test_without_javascript_there_is_a_picture_with_links_to_the_groups(
    client: FlaskClient, planted: Planted
) -> None:
    picture = parse(client.get("/map")).select_one("svg.map-picture")
    assert {link["href"] for link in picture.select("a")} == {f"/clusters/{i}" for i in range(4)}
    assert {"c-0", "c-1", "c-2", "c-3"} <= {
        c for path in picture.select("path") for c in path["class"]
    }


def test_a_radio_can_start_from_several_songs(client: FlaskClient, planted: Planted) -> None:
    page = client.get("/stations/song?of=p000000003,p000000009,p000000027")
    assert page.status_code == 200
    assert "Song 3 and 2 more" in page.text
    assert client.get("/stations/song?of=nobody,noone").status_code == 404
