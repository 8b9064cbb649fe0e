"""What AudioMuse-AI's plugins do: their requests, and what they make of the answers.

Written after the plugins' sources as they were in 2026: Navidrome's of 27 April, Jellyfin's of
30 June, Lyrion's of 26 June, Ampache's of 20 August. Each method sends what the plugin sends and
reads what it reads, as strictly as the language it is written in.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from flask.testing import FlaskClient

Json = Any


class PluginError(Exception):
    """What the plugin would write into its log."""


@dataclass
class Plugin:
    """A plugin with its two settings: the address (here its path alone) and the token."""

    client: FlaskClient
    token: str = ""
    base: str = ""

    def get(self, path: str, **headers: str) -> tuple[int, Json]:
        """Send a GET as the plugin does."""
        answer = self.client.get(self.base + path, headers={**self.headers(), **headers})
        return answer.status_code, answer.get_json(silent=True)

    def post(self, path: str, payload: Json) -> tuple[int, Json]:
        """Send a POST of JSON as the plugin does."""
        answer = self.client.post(self.base + path, json=payload, headers=self.headers())
        return answer.status_code, answer.get_json(silent=True)

    def headers(self) -> dict[str, str]:
        """Return the headers: the token as a bearer's, if one is set."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


class Navidrome(Plugin):
    """AudioMuse-AI-NV-plugin 1f09303: Go, so every field has its type or nothing is read."""

    def similar_songs_by_track(self, song_id: str, count: int) -> list[dict[str, str]]:
        """Return the songs of an instant mix."""
        return [
            {"id": one["item_id"], "name": one["title"], "artist": one["author"]}
            for one in self._similar(song_id, count)
        ]

    def sonic_similar_tracks(self, song_id: str, count: int) -> list[tuple[str, float]]:
        """Return ids and similarities, for the extension ``sonicSimilarity``."""
        return [
            (one["item_id"], min(max(1.0 - one["distance"], 0.0), 1.0))
            for one in self._similar(song_id, count)
        ]

    def _similar(self, song_id: str, count: int) -> list[Json]:
        query = urlencode(
            {
                "eliminate_duplicates": "true",
                "item_id": song_id,
                "n": count,
                "radius_similarity": "true",
            }
        )
        status, rows = self.get(f"/api/similar_tracks?{query}")
        _require(status == 200, f"AudioMuse-AI returned status {status}")
        return [_go_track(one, with_distance=True) for one in _list(rows)]

    def sonic_path(self, start: str, end: str, count: int) -> list[str]:
        """Return the ids of a path."""
        query = urlencode(
            {
                "count": count,
                "end_song_id": end,
                "max_steps": count,
                "mood_pct": "100",
                "path_fix_size": "false",
                "start_song_id": start,
            }
        )
        status, answer = self.get(f"/api/find_path?{query}")
        _require(status == 200, f"AudioMuse-AI returned status {status}")
        path = _list(_dict(answer).get("path"))
        return [_go_track(one, with_distance=False)["item_id"] for one in path]

    def similar_artists(self, artist_id: str) -> list[tuple[str, str]]:
        """Return ids and names of similar artists."""
        rows = self._artists(artist_id, with_songs=False)
        return [(one.get("artist_id") or "", one["artist"]) for one in rows]

    def similar_songs_by_artist(self, artist_id: str, count: int) -> list[str]:
        """Return ids of songs, taken in turn from what represents each pair of artists."""
        seen: set[str] = set()
        queues = []
        for row in self._artists(artist_id, with_songs=True):
            mine, theirs = [], []
            for match in row["component_matches"]:
                for name, songs in (
                    ("artist1_representative_songs", mine),
                    ("artist2_representative_songs", theirs),
                ):
                    for song in match[name]:
                        _require(isinstance(song["title"], str), "a title is no string")
                        if song["item_id"] and song["item_id"] not in seen:
                            seen.add(song["item_id"])
                            songs.append(song["item_id"])
            queues += [songs for songs in (mine, theirs) if songs]
        chosen: list[str] = []
        at = 0
        while queues and len(chosen) < count:
            chosen.append(queues[at].pop(0))
            if queues[at]:
                at += 1
            else:
                del queues[at]
            at = at % len(queues) if queues else 0
        return chosen

    def _artists(self, artist_id: str, *, with_songs: bool) -> list[Json]:
        query = urlencode(
            {
                "artist": artist_id,
                "include_component_matches": str(with_songs).lower(),
                "n": 10,
            }
        )
        status, rows = self.get(f"/api/similar_artists?{query}")
        _require(status == 200, f"AudioMuse-AI returned status {status}")
        for one in _list(rows):
            _require(isinstance(one["artist"], str), "artist is no string")
            _require(isinstance(one["artist_id"], str | None), "artist_id is no string")
        return rows


class Jellyfin(Plugin):
    """audiomuse-ai-plugin 223cbf2: ids are GUIDs, written without hyphens."""

    def test_connection(self) -> bool:
        """Return what the button of the configuration page says."""
        return self.get("/api/active_tasks")[0] == 200

    def instant_mix(self, seeds: list[uuid.UUID], limit: int) -> list[uuid.UUID]:
        """Return the songs of an instant mix, the first seed included."""
        mix = [seeds[0]]
        each = -(-(limit - 1) // len(seeds)) * (2 if len(seeds) > 1 else 1)
        for seed in seeds:
            status, rows = self.get(f"/api/similar_tracks?n={each}&item_id={seed.hex}")
            if not 200 <= status < 300 or not isinstance(rows, list):
                continue
            for row in rows:
                one = uuid.UUID(row["item_id"])
                if len(mix) < limit and one not in mix:
                    mix.append(one)
        return mix

    def fingerprint(self, user: str) -> list[uuid.UUID]:
        """Return the songs of the scheduled task's playlist of one user; it sends no token."""
        query = f"jellyfin_user_identifier={quote(user)}"
        status, rows = self.get(f"/api/sonic_fingerprint/generate?{query}")
        _require(200 <= status < 300, f"Status: {status}, Response: {rows}")
        for row in _list(rows):
            _require(isinstance(row["title"], str), "title")
            _require(isinstance(row["author"], str), "author")
            _require(isinstance(row["distance"], int | float), "distance")
        return [uuid.UUID(row["item_id"]) for row in rows]

    def passed_through(self, method: str, path: str, payload: Json = None) -> tuple[int, Json]:
        """Return what the plugin hands on to apps as it is."""
        return self.get(path) if method == "GET" else self.post(path, payload)


class Lyrion(Plugin):
    """lyrion-audiomuseai-plugin 69fb02a: an object with ``error`` is an error at any status."""

    def headers(self) -> dict[str, str]:
        """Return the headers, which say that JSON is wanted."""
        return {"Accept": "application/json", **super().headers()}

    def ping(self) -> Json:
        """Return whether the server lives."""
        return self._checked(*self.get("/api/health"))

    def similar_tracks(self, song_id: str, n: int = 20) -> list[str]:
        """Queue songs like one."""
        path = f"/api/similar_tracks?item_id={quote(song_id)}&n={n}&eliminate_duplicates=true"
        return self._queue(self.get(path))

    def search_tracks(self, artist: str) -> list[Json]:
        """List songs by an artist to pick from."""
        rows = self._checked(*self.get(f"/api/search_tracks?artist={quote(artist)}"))
        return [one for one in _tracks(rows) if one["item_id"]]

    def fingerprint(self, n: int = 25) -> list[str]:
        """Queue songs for a taste."""
        return self._queue(self.get(f"/api/sonic_fingerprint/generate?n={n}"))

    def find_path(self, start: str, end: str, steps: int = 10) -> list[str]:
        """Queue a path."""
        query = f"start_song_id={quote(start)}&end_song_id={quote(end)}&max_steps={steps}"
        return self._queue(self.get(f"/api/find_path?{query}"))

    def clap_search(self, prompt: str, n: int = 25) -> list[str]:
        """Queue songs for a prompt."""
        return self._queue(self.post("/api/clap/search", {"query": prompt, "limit": n}))

    def alchemy(self, add: list[str], subtract: list[str], n: int = 25) -> list[str]:
        """Queue songs like some and unlike others."""
        items = [{"id": one, "op": "ADD", "type": "song"} for one in add]
        items += [{"id": one, "op": "SUBTRACT", "type": "song"} for one in subtract]
        return self._queue(self.post("/api/alchemy", {"items": items, "n": n}))

    def sem_grove(self, song_id: str, n: int = 25) -> list[str]:
        """Queue songs with lyrics like another's, without that one."""
        answer = self.post("/api/sem_grove/search", {"item_id": song_id, "limit": n})
        rows = _tracks(self._checked(*answer))
        return self._queue((200, [one for one in rows if not one["is_seed"]]))

    def chat(self, prompt: str) -> tuple[str, list[str]]:
        """Return the message and the songs of a prompt for a language model."""
        answer = self._checked(*self.post("/chat/api/chatPlaylist", {"userInput": prompt}))
        inner = _dict(answer["response"])
        _require(inner["ai_provider_used"] not in ("", "NONE"), inner["message"])
        return inner["message"], self._queue((200, inner["query_results"]))

    def read(self, path: str) -> Json:
        """Return one of the answers of its settings page."""
        return self._checked(*self.get(path))

    def _checked(self, status: int, data: Json) -> Json:
        error = data.get("error") if isinstance(data, dict) else None
        _require(200 <= status < 300 and not error, f"{status}: {error}")
        return data

    def _queue(self, answer: tuple[int, Json]) -> list[str]:
        """Return the ids that are queued: those of Lyrion are whole numbers."""
        ids = [str(one["item_id"]) for one in _tracks(self._checked(*answer))]
        return [one for one in ids if re.fullmatch(r"\d+", one)]


class Ampache(Plugin):
    """Ampache's own plugin (58503596): it sends no token, and asks with two forms of an id."""

    def headers(self) -> dict[str, str]:
        """Return the headers, none of which says who asks."""
        return {"Accept": "application/json", "User-Agent": "Ampache/8.0.0 (http://ampache)"}

    def similar_songs(self, song_id: int, limit: int) -> list[tuple[int, float]]:
        """Return ids and similarities."""
        for item_id in (str(song_id), f"so-{song_id}"):
            _, rows = self.get(f"/api/similar_tracks?item_id={item_id}&n={limit}")
            matches = self._matches(rows if isinstance(rows, list) else [])
            if matches:
                return matches
        return []

    def path(self, start: int, end: int, limit: int) -> list[tuple[int, float]]:
        """Return ids and similarities, -1 where a song of the path has none."""
        for form in ("{}", "so-{}"):
            query = f"start_song_id={form.format(start)}&end_song_id={form.format(end)}"
            _, answer = self.get(f"/api/find_path?{query}&max_steps={limit}")
            matches = self._matches(_dict(answer).get("path") or [])
            if matches:
                return matches
        return []

    def _matches(self, rows: list[Json]) -> list[tuple[int, float]]:
        matches = []
        for row in rows:
            found = re.fullmatch(r"(?:so-)?([1-9][0-9]*)", row["item_id"])
            if found is None:
                continue
            similarity = -1.0
            if "distance" in row:
                similarity = round(max(0.0, min(1.0, 1.0 - float(row["distance"]))), 4)
            matches.append((int(found[1]), similarity))
        return matches


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise PluginError(reason)


def _list(value: Json) -> list[Json]:
    _require(isinstance(value, list), "no list")
    return value


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _go_track(row: Json, *, with_distance: bool) -> dict[str, Json]:
    """Decode a song as Go's encoding/json does: the right type, or an error for all of them."""
    for name in ("item_id", "title", "author", "album"):
        _require(isinstance(row[name], str), f"{name} is no string")
    if with_distance:
        _require(isinstance(row["distance"], int | float), "distance is no number")
    return row


def _tracks(data: Json) -> list[Json]:
    """Return the list of songs in an answer of any of the shapes that Lyrion's plugin reads."""
    if isinstance(data, list):
        return data
    return next(
        (data[name] for name in ("results", "path", "query_results") if name in _dict(data)), []
    )
