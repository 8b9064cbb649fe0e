"""Log lines as text and as JSON: one line each, with the request or job, whatever they contain."""

from __future__ import annotations

import json
import logging
import logging.config
import subprocess
import sys
from pathlib import Path

import pytest

from songrec.core import config, logs
from songrec.core.errors import BadInput

HOSTILE = "a\nb\r\x1b[31m\x00\u2028\u202e\x85\ud800 é…"


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.getLogger("songrec.test").makeRecord(
        "songrec.test", logging.INFO, __file__, 1, message, args, None, extra=extra
    )
    made.created = 1_000_000_000.25
    return made


@pytest.fixture(autouse=True)
def no_context() -> None:
    logs.set_context()


def test_text_names_time_level_logger_and_context() -> None:
    with logs.context(job="ab12"):
        line = logs.TextFormatter().format(record("%d songs", 3, more=1))
        repeated = logs.TextFormatter().format(record("done job=ab12", job="ab12"))
    assert line == "2001-09-09T01:46:40.250Z INFO songrec.test 3 songs job=ab12"
    assert repeated.endswith(" done job=ab12")
    assert logs.TextFormatter().format(record("later")).endswith(" later")


def test_json_has_the_same_and_the_fields_of_the_record() -> None:
    logs.set_context(request_id="r1")
    line = logs.JsonFormatter().format(record("%d songs", 3, status=200, route=None))
    assert json.loads(line) == {
        "time": "2001-09-09T01:46:40.250Z",
        "level": "info",
        "logger": "songrec.test",
        "message": "3 songs",
        "status": 200,
        "request_id": "r1",
    }


@pytest.mark.parametrize("name", config.LOG_FORMATS)
def test_nothing_in_a_message_begins_another_line(name: str) -> None:
    line = logs.FORMATTERS[name]().format(record("path %s", HOSTILE, path=HOSTILE))
    assert line.splitlines() == [line]
    assert line.isprintable()
    if name == "json":
        assert json.loads(line)["message"] == f"path {HOSTILE}"
    else:
        assert line.endswith(r"path a\nb\r\x1b[31m\x00\u2028\u202e\x85\ud800 é…")


@pytest.mark.parametrize("name", config.LOG_FORMATS)
def test_a_traceback_forges_no_line(name: str) -> None:
    made = record("failed")
    try:
        raise ValueError("bad\n2001-09-09T01:46:40.250Z INFO songrec.test forged\u2028x")
    except ValueError:
        made.exc_info = sys.exc_info()
    first, *below = logs.FORMATTERS[name]().format(made).splitlines()
    if name == "json":
        assert below == []
        assert "ValueError: bad" in json.loads(first)["exception"]
    else:
        assert first.endswith(" failed")
        assert all(line.startswith(logs.INDENT) for line in below)
        assert below[-1].strip() == r"2001-09-09T01:46:40.250Z INFO songrec.test forged\u2028x"


@pytest.mark.parametrize(
    ("level", "own", "libraries"),
    [("debug", "DEBUG", "WARNING"), ("", "INFO", "WARNING"), ("ERROR", "ERROR", "ERROR")],
)
def test_the_level_is_that_of_songrec_while_libraries_only_warn(
    monkeypatch: pytest.MonkeyPatch, level: str, own: str, libraries: str
) -> None:
    monkeypatch.setenv("SONGREC_LOG_LEVEL", level)
    described = logs.dict_config()
    assert described["loggers"]["songrec"]["level"] == own
    assert described["root"]["level"] == described["loggers"]["gunicorn.error"]["level"]
    assert described["root"]["level"] == libraries


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SONGREC_LOG_FORMAT", "must be text or json; it is 'xml'."),
        ("SONGREC_LOG_LEVEL", "must be debug, info, warning or error; it is 'xml'."),
        ("SONGREC_LOG_REQUESTS", "must be 0 or 1; it is 'xml'."),
    ],
)
def test_an_invalid_setting_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.setenv(name, "xml")
    with pytest.raises(BadInput) as caught:
        config.load(tmp_path / "new")
    assert str(caught.value) == f"{name} {message}"
    assert not (tmp_path / "new").exists()


def test_a_process_writes_json_including_warnings_of_libraries() -> None:
    script = (
        "import logging, warnings\n"
        "from songrec.core import logs\n"
        "logs.configure()\n"
        "logging.getLogger('songrec.x').info('mine')\n"
        "logging.getLogger('library').info('not shown')\n"
        "warnings.warn('deprecated', DeprecationWarning)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", script],
        cwd=config.ROOT,
        env={"SONGREC_LOG_FORMAT": "json", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in lines] == ["songrec.x", "py.warnings"]
    assert "deprecated" in lines[1]["message"]
