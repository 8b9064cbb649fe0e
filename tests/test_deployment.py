"""What is deployed: the image, the compose file, its settings, the unit and the proxies' files."""

from __future__ import annotations

import configparser
import contextlib
import http.client
import importlib.util
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from flask import Flask

from songrec.core.settings import SETTINGS
from songrec.jobs import queue
from songrec.jobs.kinds import KIND_GROUPS
from songrec.web import request_log
from tests.nginx_server import free_port, nginx_server

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
EXAMPLE = (ROOT / ".env.example").read_text()
EVERY_SERVICE = pytest.mark.parametrize("name", SERVICES)


def instructions(keyword: str) -> list[str]:
    return re.findall(rf"^{keyword} +(.*)$", DOCKERFILE, re.MULTILINE)


@EVERY_SERVICE
def test_a_service_has_no_rights_and_a_read_only_root(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {
        *("privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "userns_mode"),
    }
    assert not [volume for volume in service.get("volumes", ()) if "docker.sock" in volume]
    assert service["user"] == "postgres" if name == "db" else "user" not in service


@EVERY_SERVICE
def test_a_service_has_limits_and_a_health_check_of_its_own(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert re.fullmatch(r"[1-9]\d*[gm]", limits["memory"])
    assert 0 < limits["pids"] <= 1024
    from_the_image = name == "web"
    check = service.get("healthcheck")
    assert (check is None) is from_the_image
    if name in {"worker", "uploads"}:
        assert check["test"] == ["CMD", "python", "deploy/healthcheck.py", "worker"]


def test_a_service_starts_when_what_it_needs_is_there() -> None:
    after_setup = {
        "db": {"condition": "service_healthy"},
        "setup": {"condition": "service_completed_successfully"},
    }
    for name in ("web", "worker", "uploads"):
        assert SERVICES[name]["depends_on"] == after_setup
    assert SERVICES["dask-worker"]["depends_on"]["scheduler"] == {"condition": "service_healthy"}


def test_only_the_web_is_published_and_by_default_for_this_machine() -> None:
    assert SERVICES["web"]["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]


def test_database_and_cluster_are_on_networks_that_lead_nowhere() -> None:
    networks = COMPOSE["networks"]
    assert networks["data"] == networks["cluster"] == {"internal": True}
    assert SERVICES["db"]["networks"] == ["data"]
    on_cluster = {name for name, one in SERVICES.items() if "cluster" in one["networks"]}
    assert on_cluster == {"scheduler", "dask-worker", "worker"}
    for name in ("scheduler", "dask-worker"):
        assert SERVICES[name]["networks"] == ["cluster"]
        assert SERVICES[name]["profiles"] == ["cluster"]
        assert "--no-dashboard" in SERVICES[name]["command"]


def test_whatever_asks_music_servers_can_reach_them() -> None:
    # The worker of "uploads" renews mixes, which are written to servers as playlists.
    assert "mixes" in KIND_GROUPS["uploads"]
    for name in ("web", "worker", "uploads"):
        assert "outside" in SERVICES[name]["networks"], name
    assert COMPOSE["networks"]["outside"] is None


def test_music_is_never_written_to() -> None:
    mounts = [v for one in SERVICES.values() for v in one.get("volumes", ()) if "/music" in v]
    assert mounts
    assert all(mount == "${MUSIC:-music}:/music:ro" for mount in mounts)


def test_no_password_has_a_default() -> None:
    assert re.search(r"^POSTGRES_PASSWORD=$", EXAMPLE, re.MULTILINE)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert re.fullmatch(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}", value)
            else:
                assert "password" not in value.lower()
                assert not re.search(r"://[^/]*:[^/]*@", value)
    assert not re.search(r"(?i)password|secret_key|token", DOCKERFILE)


@pytest.mark.parametrize(
    "path",
    ["Dockerfile", "compose.yaml", ".env.example", "deploy", "docs/deploying.md"],
)
def test_every_variable_is_a_setting(path: str) -> None:
    files = [ROOT / path] if (ROOT / path).is_file() else [*(ROOT / path).glob("*")]
    text = "".join(file.read_text() for file in files if file.is_file())
    names = set(re.findall(r"\bSONGREC_(?!TEST_)[A-Z_]+\b", text))
    assert names <= {setting.name for setting in SETTINGS}


def test_the_example_decides_what_others_may_do() -> None:
    decided = dict(re.findall(r"^(SONGREC_\w+)=(\S+)$", EXAMPLE, re.MULTILINE))
    assert decided["SONGREC_SIGN_UP"] == "closed"
    assert decided.keys() >= {"SONGREC_CATALOGUE", "SONGREC_LISTENING", "SONGREC_PROXIES"}


def test_the_image_is_pinned_and_runs_without_root() -> None:
    assert re.search(r"^ARG BASE=python:3\.1[123]\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", *_lines())
    assert instructions("FROM") == ["${BASE} AS build", "${BASE}"]
    assert all("--require-hashes" in run for run in instructions("RUN") if "pip install" in run)
    final = DOCKERFILE[DOCKERFILE.rindex("\nFROM") :]
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["10001:10001"]
    assert not re.search(r"\b(gcc|build-essential|curl|git)\b", final)
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert "PYTHONPATH=/app" in final, "dask's programs import songrec"
    for keyword in ("CMD", "HEALTHCHECK"):
        (command,) = instructions(keyword)
        assert re.search(r'\[("[^"]+"(, )?)+\]$', command), "exec form: signals reach the program"


def _lines() -> tuple[str, re.RegexFlag]:
    return DOCKERFILE, re.MULTILINE


def test_the_image_gets_every_file_that_runs_and_nothing_private() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in ignore if line.startswith("!")]
    assert "*" in ignore
    assert all((ROOT / path).exists() for path in allowed)
    assert set(allowed) >= {"songrec", "templates", "static", "migrations", "data", "Procfile"}
    assert not {path.split("/")[0] for path in allowed} & {".env", ".git", "instance", "tests"}
    assert "/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_unit_may_write_to_its_own_folders_only() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "songrec.service")
    service = unit["Service"]
    assert service["User"] == "songrec"
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert "ReadWritePaths" not in service
    assert service["StateDirectory"] == service["CacheDirectory"] == "songrec"
    assert service["MemoryMax"]
    assert service["ExecStart"].endswith("-m songrec.core.process_supervisor Procfile")


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    text = (ROOT / "deploy" / "songrec.service").read_text()
    unit = tmp_path / "songrec.service"
    unit.write_text(text.replace("/opt/songrec/.venv/bin/", str(Path(sys.executable).parent) + "/"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


SECRET = "s3cret-Value-1234567890"
# What nginx may log in the place of the secret, by what is asked for.
LOGGED = {
    f"/rest/ping?u=anna&p={SECRET}&v=1.16.1&c=app": "/rest/ping",
    f"/rest/ping?u=anna&t={SECRET}&s={SECRET}": "/rest/ping",
    f"/rest/stream.view?apiKey={SECRET}&id=1": "/rest/stream.view",
    f"/audiomuse/{SECRET}/api/similar_tracks?item_id=1": "/audiomuse/***/api/similar_tracks",
    f"/audiomuse/{SECRET}": "/audiomuse/***",
    f"/music/audiomuse/{SECRET}/api/config": "/music/audiomuse/***/api/config",
    f"/playlists/shared/p1/{SECRET}": "/playlists/shared/p1/***",
    f"/playlists/shared/p1/{SECRET}/queue": "/playlists/shared/p1/***/queue",
    f"/listen/playlists/p1/{SECRET}/tracks/t1": "/listen/playlists/p1/***/tracks/t1",
    "/tracks/t1": "/tracks/t1",
}


def test_every_route_with_a_key_is_masked_by_nginx(app: Flask) -> None:
    """A key in a path of the application is one of those that ``LOGGED`` is about."""
    secret = re.compile(rf"<(?:\w+:)?(?:{'|'.join(request_log.SECRET_ARGUMENTS)})>")
    rules = {rule.rule for rule in app.url_map.iter_rules() if secret.search(rule.rule)}
    public = {rule for rule in rules if rule.startswith("/mixes/")}  # names of mixes
    beginnings = ("/audiomuse/<key>", "/playlists/shared/<", "/listen/playlists/<")
    assert {rule for rule in rules - public if not rule.startswith(beginnings)} == set()
    assert len(rules - public) > len(beginnings)


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_logs_nothing_secret(tmp_path: Path) -> None:
    """Neither by HTTP, nor by HTTPS (without its certificate here), nor where songrec is down."""
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    ports = {name: free_port() for name in ("http", "https", "songrec")}
    site = re.sub(r"listen \[::\]:\d+( ssl)?;|ssl_\w+ .*;", "", site)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{ports['http']};")
    site = site.replace("listen 443 ssl;", f"listen 127.0.0.1:{ports['https']};")
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{ports['songrec']}")
    site = site.replace("/var/log/nginx/", f"{tmp_path}/")
    with nginx_server(tmp_path, site, ports["http"], ports["https"]):
        for port, status in ((ports["https"], 502), (ports["http"], 301)):
            for address in LOGGED:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                with contextlib.closing(connection):
                    connection.request("GET", address)
                    assert connection.getresponse().status == status
    lines = (tmp_path / "access.log").read_text().splitlines()
    requests = [line.split('"')[1] for line in lines]
    assert requests == [f"GET {path} HTTP/1.1" for path in LOGGED.values()]
    logs = [path for path in tmp_path.iterdir() if path.is_file() and path.name != "nginx.conf"]
    assert [path.name for path in logs if SECRET in path.read_text()] == []


def test_nginx_accepts_its_file(tmp_path: Path) -> None:
    if not (shutil.which("nginx") and shutil.which("openssl")):
        pytest.skip("nginx or openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    files = ["-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=music.example.org"]
    subprocess.run([*request, *files], check=True, capture_output=True)
    site = (ROOT / "deploy" / "nginx.conf").read_text()
    site = site.replace("/etc/ssl/music.example.org.pem", str(certificate))
    site = site.replace("/etc/ssl/music.example.org.key", str(key))
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{site}\n}}\n")
    done = subprocess.run(
        ["nginx", "-t", "-q", "-e", tmp_path / "errors", "-c", whole],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_caddy_accepts_its_file(tmp_path: Path) -> None:
    if not shutil.which("caddy"):
        pytest.skip("Caddy is not installed")
    done = subprocess.run(
        ["caddy", "adapt", "--adapter", "caddyfile", "--config", ROOT / "deploy" / "Caddyfile"],
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/usr/local/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


@pytest.fixture(scope="module")
def healthcheck() -> ModuleType:
    """The container's health check as a module."""
    path = ROOT / "deploy" / "healthcheck.py"
    spec = importlib.util.spec_from_file_location("healthcheck", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Answers(BaseHTTPRequestHandler):
    """A server that answers at /health with ``status``."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/health" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of ``Answers``."""
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_web_is_healthy_if_it_answers_with_200(
    healthcheck: ModuleType, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", str(port))
    assert healthcheck.main(["web"]) == 0


def test_the_web_is_unhealthy_with_another_status_or_none(
    healthcheck: ModuleType,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setattr(Answers, "status", 503)
    assert healthcheck.main(["web"]) == 1
    assert capsys.readouterr().err == "unhealthy: /health answers with status 503\n"
    monkeypatch.setenv("PORT", "1")
    assert healthcheck.main(["web"]) == 1
    assert "port 1 does not answer" in capsys.readouterr().err


def test_a_worker_is_healthy_while_it_holds_its_lock(
    healthcheck: ModuleType, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGREC_INSTANCE", str(instance))
    assert "no process holds the lock of a worker" in healthcheck.check_worker()
    with queue.worker_lock(instance):
        assert healthcheck.check_worker() is None
    assert healthcheck.main(["worker"]) == 1


def test_another_word_is_wrong_usage(healthcheck: ModuleType) -> None:
    assert healthcheck.main(["database"]) == 2
