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
"""Default numbers of songs, as the plugins expect them."""
MOST_ITEMS = 50
"""Limit of songs and artists of a blend."""


@endpoint("/api/alchemy", "POST")
def alchemy() -> ResponseReturnValue:
    """Return songs like some and unlike others."""
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
    """Return songs for the listener of the token, and refuse other users' names."""
    user = authentication.require_user()
    sent = parameters()
    person = listener()
    username = text("jellyfin_user_identifier", sent) or text("navidrome_user", sent)
    if username and not _is_called(user, person, username):
        raise Forbidden(
            f"This is {user.name}'s token; songs for “{username[:60]}” need a token of that user."
        )
    return jsonify(answers.for_taste(caller(), number("n", N_TASTE, sent)))


@endpoint("/api/clap/search", "POST")
def clap_search() -> ResponseReturnValue:
    """Search songs by a description of their sound."""
    sent = body()
    words, limit = _words(sent), number("limit", N_SEARCHED, sent)
    return jsonify(answers.search_by_sound(caller(), words, limit))


@endpoint("/api/lyrics/search/text", "POST")
def lyrics_search() -> ResponseReturnValue:
    """Search songs by words of their lyrics, tags or title."""
    sent = body()
    answer = answers.search_by_words(caller(), _words(sent), number("limit", N_SEARCHED, sent))
    if not answer["results"]:
        return jsonify(error="No lyrics found.", **answer), 404
    return jsonify(answer)


@endpoint("/api/sem_grove/search", "POST")
def sem_grove() -> ResponseReturnValue:
    """Return a song, then songs with similar lyrics."""
    sent = body()
    item = text("item_id", sent)
    if not item:
        raise BadRequest("Send item_id.")
    who = caller(item)
    return jsonify(answers.similar_lyrics(who, who.ids.track(item), number("limit", N_LIKE, sent)))


@endpoint("/chat/api/chatPlaylist", "POST")
def chat_playlist() -> ResponseReturnValue:
    """Return songs for a sentence by a search for its words, without a language model."""
    words = text("userInput", body())
    if not words:
        raise BadRequest("Send userInput.")
    rows = answers.search_by_sound(caller(), words, N_LIKE)["results"]
    songs = [
        {"item_id": row["item_id"], "title": row["title"], "artist": row["author"]} for row in rows
    ]
    return jsonify(
        response={
            "message": "songrec has no language model; it searched for these words.",
            "original_request": words,
            "ai_provider_used": "songrec",
            "ai_model_selected": "",
            "executed_query": "",
            "query_results": songs,
        }
    )


@endpoint("/api/playlists")
def playlist_list() -> ResponseReturnValue:
    """List the playlists of the listener."""
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
    """Create a playlist on the music server, or in songrec without an account there."""
    return _create_playlist("track_ids")


@endpoint("/chat/api/create_playlist", "POST")
def create_chat_playlist() -> ResponseReturnValue:
    """Create a playlist of the songs proposed in a chat."""
    return _create_playlist("item_ids")


def _create_playlist(field: str) -> ResponseReturnValue:
    from songrec.services.audiomuse import playlists

    person = listening.make_listener_of(authentication.require_user())
    sent = body()
    items = sent.get(field)
    item_ids = [_item_id(one) for one in items] if isinstance(items, list) else []
    who = caller(*filter(None, item_ids))
    name = text("playlist_name", sent)
    created = playlists.create(current_instance(), person, who.ids, name, item_ids)
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
    """Return whether ``name`` is the user's name here or on a connected music server."""
    names = {user.name.casefold()}
    if person is not None:
        accounts = music_servers.accounts_of(db.session, person).values()
        names |= {account.username.casefold() for account in accounts}
    return name.casefold() in names
