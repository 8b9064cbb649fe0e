"""schemathesis asks what the description allows and forbids, and holds the answers against it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from sqlalchemy.orm import Session

from songrec.store import api_tokens, users
from tests.planted_run import Planted

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
print(not_a_server_error)
