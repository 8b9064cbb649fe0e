"""The application, for a WSGI server."""

import os

from songrec import create_app
from songrec.core.config import one_line

# A server never migrates, so it does without Alembic; `flask`, which looks here first, may.
with one_line():
    app = create_app(migrations=os.environ.get("FLASK_RUN_FROM_CLI") == "true")
