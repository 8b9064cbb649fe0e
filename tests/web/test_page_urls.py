import flask
import pytest
from flask import Flask
from werkzeug.routing import BuildError

from songrec.web import page_urls


def page(**_: object) -> str:
    """Answer with an empty page."""
    return ""


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    for rule, endpoint in (
        ("/", "home"),
        ("/tracks/<public_id>", "track"),
        ("/groups/<int(signed=True):number>", "group"),
        ("/groups/<int(signed=True):number>/<name>", "named"),
        ("/files/<path:name>", "file"),
        ("/pages", "pages"),
        ("/pages/<int:page>", "pages"),
    ):
        defaults = {"page": 1} if rule == "/pages" else None
        app.add_url_rule(rule, endpoint, page, defaults=defaults)
    return app


@pytest.mark.parametrize("prefix", ["", "/music"])
@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("home", {}),
        ("track", {"public_id": "4f2a"}),
        ("track", {"public_id": "a/b ü?&%"}),
        ("track", {"public_id": "4f2a", "v": "12", "size": "large"}),
        ("track", {"size": "large", "public_id": "4f2a"}),
        ("track", {"public_id": "large", "size": "large"}),
        ("track", {"public_id": "4f2a", "size": None}),
        ("track", {"public_id": "4f2a", "q": ["a", "b"]}),
        ("track", {"public_id": "4f2a", "_anchor": "playlists"}),
        ("track", {"public_id": "4f2a", "_external": True}),
        ("group", {"number": -1}),
        ("group", {"number": "3"}),
        ("named", {"number": 7, "name": "7"}),
        ("file", {"name": "a/b.css"}),
        ("pages", {"page": 1}),
        ("pages", {"page": 2}),
    ],
)
def test_addresses_are_those_of_flask(
    app: Flask, prefix: str, endpoint: str, values: dict[str, object]
) -> None:
    with app.test_request_context("/here", environ_overrides={"SCRIPT_NAME": prefix}):
        for _ in range(2):
            assert page_urls.url_for(endpoint, **values) == flask.url_for(endpoint, **values)


def test_each_value_stands_in_its_place(app: Flask) -> None:
    with app.test_request_context("/"):
        assert page_urls.url_for("named", number=1, name="b") == "/groups/1/b"
        assert page_urls.url_for("named", name="1", number=-2) == "/groups/-2/1"
        assert page_urls.url_for("track", public_id="x", size="y") == "/tracks/x?size=y"


def test_one_app_below_two_paths_has_two_addresses(app: Flask) -> None:
    for prefix in ("", "/a", "/b"):
        with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": prefix}):
            assert page_urls.url_for("track", public_id="x") == f"{prefix}/tracks/x"


def test_an_unknown_endpoint_is_refused_as_by_flask(app: Flask) -> None:
    with app.test_request_context("/"), pytest.raises(BuildError):
        page_urls.url_for("nowhere", public_id="x")
