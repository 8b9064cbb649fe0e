"""The application, for a WSGI server."""

from songrec import create_app

app = create_app(migrations=False)
