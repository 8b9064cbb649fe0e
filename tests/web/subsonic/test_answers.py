"""The three formats of an answer: the same content, whatever characters are in it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from songrec.web.subsonic.answers import to_json, to_xml
from tests.web.subsonic.conftest import NAMESPACE, Device, Library

CONTENT = {
    "status": "ok",
    "absent": None,
    "flag": False,
    "song": {"title": 'a < & > " \x00\x0b\ud800 \n b', "isrc": ["A", "B"], "empty": []},
    "genres": {"genre": [{"songCount": 2, "value": "R&B"}, {"songCount": 1, "value": "Pop"}]},
}


def test_scalars_are_attributes_lists_are_elements_and_value_is_text() -> None:
    root = ElementTree.fromstring(to_xml(CONTENT))
    assert root.tag == f"{NAMESPACE}subsonic-response"
    assert root.attrib == {"status": "ok", "flag": "false"}
    song = root.find(f"{NAMESPACE}song")
    assert song is not None
    assert song.attrib == {"title": 'a < & > "  \n b'}  # what XML has no place for is gone
    assert [one.text for one in song] == ["A", "B"]
    genres = root.findall(f"{NAMESPACE}genres/{NAMESPACE}genre")
    assert [(one.text, one.attrib) for one in genres] == [
        ("R&B", {"songCount": "2"}),
        ("Pop", {"songCount": "1"}),
    ]


def test_json_leaves_out_what_is_unknown_and_keeps_empty_lists() -> None:
    text = to_json({**CONTENT, "line": "\u2028"})
    assert text.isascii()
    answer = json.loads(text)["subsonic-response"]
    assert "absent" not in answer
    assert answer["song"]["empty"] == []
    assert answer["flag"] is False


def test_a_song_is_the_same_in_every_format(phone: Device, small: Library) -> None:
    for title in small.tracks.keys() - {"Unheard"}:
        id_ = small.song(title)
        song = phone.get("getSong", id=id_)
        element = phone.xml("getSong", id=id_).find(f"{NAMESPACE}song")
        assert element is not None
        scalars = {name: one for name, one in song.items() if not isinstance(one, list | dict)}
        assert set(element.attrib) == set(scalars)
        assert element.attrib["title"] == song["title"].replace("\x01", "")
        assert int(element.attrib["duration"]) == song["duration"]
        script = phone.client.get(
            "/rest/getSong.view",
            query_string=phone.params({"id": id_, "callback": "my.$app_1"}, "jsonp"),
        )
        assert script.mimetype == "text/javascript"
        assert script.headers["X-Content-Type-Options"] == "nosniff"
        body = script.text.removeprefix("/**/my.$app_1(").removesuffix(");")
        assert json.loads(body)["subsonic-response"]["song"] == song


def test_a_callback_is_a_plain_name(phone: Device) -> None:
    for callback in ("", "alert(1)", "a;b", "a b", "1a", "a..b", "<x>", "a\n", "é", "x" * 500):
        response = phone.client.get(
            "/rest/ping", query_string=phone.params({"callback": callback}, "jsonp")
        )
        assert response.mimetype == "application/json"
        assert response.json["subsonic-response"]["error"]["code"] == 10  # type: ignore[index]


def test_an_unknown_format_is_xml(phone: Device) -> None:
    response = phone.client.get("/rest/ping", query_string=phone.params({}, "yaml"))
    assert response.content_type == "application/xml; charset=utf-8"
    assert ElementTree.fromstring(response.data).attrib["openSubsonic"] == "true"


def test_an_answer_that_an_app_has_already_is_not_sent_again(phone: Device, small: Library) -> None:
    first = phone.client.get("/rest/getArtists", query_string=phone.params({}))
    again = phone.client.get(
        "/rest/getArtists",
        query_string=phone.params({}),
        headers={"If-None-Match": first.headers["ETag"]},
    )
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
