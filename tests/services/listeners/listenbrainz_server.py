"""A small server with the part of ListenBrainz's API that songrec uses, on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "2b6f0c8e-made-up-token"
USER = "ann lee"


class ListenBrainzServer(ThreadingHTTPServer):
    """What the server holds and what it was asked."""

    def __init__(self, page: int = 1000) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page = page
        self.listens: list[dict[str, Any]] = []
        self.feedback: list[dict[str, Any]] = []
        self.recordings: dict[tuple[str, str], str] = {}
        self.submitted: list[dict[str, Any]] = []
        self.given: list[tuple[str, int]] = []
        self.asked: list[str] = []
        self.failures: list[int] = []
        """Statuses of the next answers; 0 answers as usual."""
        self.headers: dict[str, str] = {}
        self.refuses = ""
        """Submissions that hold a listen of this title are refused."""
        self.is_revoked = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add_listen(self, at: int, artist: str, title: str, **more: Any) -> None:
        metadata = {"artist_name": artist, "track_name": title, "additional_info": more}
        self.listens.append({"listened_at": at, "track_metadata": metadata})

    def add_feedback(self, at: int, artist: str, title: str, score: int) -> None:
        metadata = {"artist_name": artist, "track_name": title}
        row = {"created": at, "score": score, "recording_msid": "m", "track_metadata": metadata}
        self.feedback.append(row)


class _Handler(BaseHTTPRequestHandler):
    server: ListenBrainzServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle({})

    def do_POST(self) -> None:
        self._handle(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _handle(self, body: dict[str, Any]) -> None:
        server = self.server
        server.asked.append(f"{self.command} {self.path}")
        status = server.failures.pop(0) if server.failures else 0
        if self.headers["Authorization"] != f"Token {TOKEN}" or server.is_revoked:
            is_question = self.path == "/1/validate-token"
            self._answer(200, {"valid": False}) if is_question else self._answer(401, {})
        elif status:
            self._answer(status, {"code": status})
        else:
            self._answer(*self._found(urlsplit(self.path).path, body))

    def _found(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        server = self.server
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if path == "/1/validate-token":
            return 200, {"code": 200, "valid": True, "user_name": USER}
        if path == "/1/user/ann%20lee/listens":
            before = int(query.get("max_ts", 10**12))
            rows = sorted(server.listens, key=lambda one: -one["listened_at"])
            rows = [one for one in rows if one["listened_at"] < before]
            most = min(server.page, int(query["count"]))
            return 200, {"payload": {"count": most, "listens": rows[:most]}}
        if path == "/1/feedback/user/ann%20lee/get-feedback":
            rows = sorted(server.feedback, key=lambda one: -one["created"])
            return 200, {"feedback": rows[int(query["offset"]) :]}
        if path == "/1/submit-listens":
            names = [one["track_metadata"]["track_name"] for one in body["payload"]]
            if server.refuses in names:
                return 400, {"error": "no"}
            assert body["listen_type"] == ("single" if len(names) == 1 else "import")
            server.submitted += body["payload"]
            return 200, {"status": "ok"}
        if path == "/1/feedback/recording-feedback":
            server.given.append((body["recording_mbid"], body["score"]))
            return 200, {"status": "ok"}
        if path == "/1/metadata/lookup/":
            mbid = server.recordings.get((query["artist_name"], query["recording_name"]))
            return 200, {"recording_mbid": mbid} if mbid else {}
        return 404, {"error": "not found"}

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running(page: int = 1000) -> Iterator[ListenBrainzServer]:
    """Serve until the block ends."""
    with ListenBrainzServer(page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
