"""An AudioMuse-AI on loopback that hands out a made analysis, page by page, and its troubles."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

TOKEN = "a-token-of-audiomuse"


def analysed(number: int, title: str, artist: str, **values: Any) -> dict[str, Any]:
    """A song as ``/api/sync`` describes it."""
    vector = np.random.default_rng(number).normal(0, 2, 200).astype("<f4")
    return {
        "id": f"jf{number:030x}",
        "title": title,
        "artist": artist,
        "album_artist": artist,
        "album": "An album",
        "year": 1999,
        "tempo": 121.5,
        "key": "A",
        "scale": "minor",
        "mood_vector": "rock:0.612,indie rock:0.571",
        "energy": 0.71,
        "other_features": "danceable:0.40,aggressive:0.10,happy:0.55,party:0.20,relaxed:0.30",
        "rating": None,
        "umap_x": None,
        "umap_y": None,
        "fp": f"{number:016x}",
        "embedding": base64.b64encode(vector.tobytes()).decode("ascii"),
        "clap_embedding": base64.b64encode(bytes(2048)).decode("ascii"),
        **values,
    }


@dataclass
class AudioMuseServer:
    """A running server: ``songs`` are what it has; ``fails_at`` is a page that it answers by 503.

    ``cut`` are pages that end in the middle; ``requested`` are the pages that were asked for.
    """

    songs: list[dict[str, Any]]
    provider: str = "jellyfin"
    fails_at: set[int] = field(default_factory=set)
    cut: set[int] = field(default_factory=set)
    requested: list[int] = field(default_factory=list)
    url: str = ""

    def page(self, number: int, limit: int) -> dict[str, Any]:
        """Return a page as AudioMuse-AI writes it."""
        start = (number - 1) * limit
        songs = self.songs[start : start + limit]
        has_more = start + len(songs) < len(self.songs)
        return {
            "tracks": songs,
            "total_tracks": len(self.songs),
            "provider_type": self.provider,
            "has_more": has_more,
            "next_page": number + 1 if has_more else None,
        }


@contextmanager
def audiomuse_server(songs: list[dict[str, Any]], **options: Any) -> Iterator[AudioMuseServer]:
    """Run a server with these songs."""
    state = AudioMuseServer(songs, **options)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self._answer()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _answer(self) -> tuple[int, bytes]:
            parts = urlsplit(self.path)
            if parts.path != "/api/sync":
                return 404, b"{}"
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return 401, b'{"error": "Unauthorized"}'
            query = parse_qs(parts.query)
            number = int(query["page"][0])
            state.requested.append(number)
            if number in state.fails_at:
                return 503, b'{"error": "Track id translation failed"}'
            body = json.dumps(state.page(number, min(int(query["limit"][0]), 500))).encode()
            return 200, body[: len(body) // 2] if number in state.cut else body

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
