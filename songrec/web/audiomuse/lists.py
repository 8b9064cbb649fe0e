"""Lists: blends, a listener's taste, searches by words, playlists."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden

from songrec.services.audiomuse import answers
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.servers import music_servers
from songrec.store.tables import Listener, User
from songrec.web import current_listener as listening
from songrec.web.api import authentication
from songrec.web.audiomuse import body, caller, endpoint, listener, number, parameters, text

N_BLENDED, N_TASTE, N_SEARCHED, N_LIKE = 100, 100, 100, 25
"""What the plugins expect where they say no number."""
MOST_ITEMS = 50
"""Songs and artists of a blend."""


@endpoint("/api/alchemy", "POST")
def alchemy() -> ResponseReturnValue:
    """Songs like some and unlike others."""
    sent = body()
    listed = sent.get("items")
    items = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    ingredients = []
    for one in items[:MOST_ITEMS]:
        operation = text("op", one).upper()
        if text("id", one) and operation in ("ADD", "SUBTRACT"):
            ingredients.append((text("type", one) or "song", text("id", one), operation == "ADD"))
    if not any(is_added for _, _, is_added in ingredients):
        raise BadRequest("Send items with at least one song or artist to ADD.")
    first = next((item for kind, item, _ in ingredients if kind == "song"), "")
    artist = "" if first else ingredients[0][1]
    who = caller(*filter(None, [first]), artist=artist)
    return jsonify(answers.blend(who, ingredients, number("n", N_BLENDED, sent)))


@endpoint("/api/sonic_fingerprint/generate", "GET", "POST")
def sonic_fingerprint() -> ResponseReturnValue:
    """Songs for the taste of the person whose token it is, and of nobody else."""
    user = authentication.require_user()
    sent = parameters()
    person = listener()
    named = text("jellyfin_user_identifier", sent) or text("navidrome_user", sent)
    if named and not _is_called(user, person, named):
        raise Forbidden(
            f"This token is {user.name}'s; songs for “{named[:60]}” need a token of that person."
        )
    return jsonify(answers.for_taste(caller(), number("n", N_TASTE, sent)))


@endpoint("/api/clap/search", "POST")
def clap_search() -> ResponseReturnValue:
    """Songs that sound as words say."""
    sent = body()
    words, limit = _words(sent), number("limit", N_SEARCHED, sent)
    return jsonify(answers.search_by_sound(caller(), words, limit))


@endpoint("/api/lyrics/search/text", "POST")
def lyrics_search() -> ResponseReturnValue:
    """Songs with words in their lyrics, tags or title."""
    sent = body()
    answer = answers.search_by_words(caller(), _words(sent), number("limit", N_SEARCHED, sent))
    if not answer["results"]:
        return jsonify(error="No lyrics found.", **answer), 404
    return jsonify(answer)


@endpoint("/api/sem_grove/search", "POST")
def sem_grove() -> ResponseReturnValue:
    """Songs whose lyrics are like another one's, that one first."""
    sent = body()
    item = text("item_id", sent)
    if not item:
        raise BadRequest("Send item_id.")
    who = caller(item)
    return jsonify(answers.similar_lyrics(who, who.ids.track(item), number("limit", N_LIKE, sent)))


@endpoint("/chat/api/chatPlaylist", "POST")
def chat_playlist() -> ResponseReturnValue:
    """Songs for a sentence: songrec has no language model, it searches by the sentence's words."""
    words = text("userInput", body())
    if not words:
        raise BadRequest("Send userInput.")
    rows = answers.search_by_sound(caller(), words, N_LIKE)["results"]
    songs = [
        {"item_id": row["item_id"], "title": row["title"], "artist": row["author"]} for row in rows
    ]
    return jsonify(
        response={
            "message": "songrec searched by these words; it asks no language model.",
            "original_request": words,
            "ai_provider_used": "songrec",
            "ai_model_selected": "",
            "executed_query": "",
            "query_results": songs,
        }
    )


@endpoint("/api/playlists")
def playlist_list() -> ResponseReturnValue:
    """The playlists of the person whose token it is."""
    who = caller()
    server = who.ids.server
    group: dict[str, Any] = {
        "server_id": server.public_id if server else None,
        "server_name": server.name if server else "songrec",
        "is_default": True,
        "playlists": answers.listed_playlists(who),
    }
    return jsonify(multi_server=False, servers=[group])


@endpoint("/api/create_playlist", "POST")
def create_playlist() -> ResponseReturnValue:
    """Create a playlist on the music server, or here without an account there."""
    return _create_playlist("track_ids")


@endpoint("/chat/api/create_playlist", "POST")
def create_chat_playlist() -> ResponseReturnValue:
    """Create a playlist of songs that a chat proposed."""
    return _create_playlist("item_ids")


def _create_playlist(field: str) -> ResponseReturnValue:
    from songrec.services.audiomuse import playlists

    person = listening.make_listener_of(authentication.require_user())
    sent = body()
    items = sent.get(field)
    named = [_item_id(one) for one in items] if isinstance(items, list) else []
    who = caller(*filter(None, named))
    name = text("playlist_name", sent)
    created = playlists.create(current_instance(), person, who.ids, name, named)
    db.session.commit()
    message = (
        f"Playlist '{name}' created on {created.place} ({created.mapped} tracks, "
        f"{created.skipped} unavailable)."
    )
    return (
        jsonify(
            message=message,
            playlist_id=created.playlist_id,
            mapped=created.mapped,
            skipped=created.skipped,
        ),
        201,
    )


def _item_id(value: object) -> str:
    return text("item_id", value if isinstance(value, dict) else {"item_id": value})


def _words(sent: dict[str, Any]) -> str:
    words = text("query", sent)
    if not words:
        raise BadRequest("Send query, the words to search for.")
    return words


def _is_called(user: User, person: Listener | None, name: str) -> bool:
    """Return whether ``name`` is the person's here or on a connected music server."""
    names = {user.name.casefold()}
    if person is not None:
        accounts = music_servers.accounts_of(db.session, person).values()
        names |= {account.username.casefold() for account in accounts}
    return name.casefold() in names
