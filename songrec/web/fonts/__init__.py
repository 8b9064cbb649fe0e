"""The typefaces of the pages, cut to size from installed packages.

Source Serif 4 (headings) and Hanken Grotesk (text), both under the SIL Open Font License 1.1. The
style sheet names the addresses. Until a file is made, pages are set in a typeface of the machine
that is fitted to the same measure (``static/css/theme.css``).
"""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the address."""
    from songrec.web.fonts import views

    app.register_blueprint(views.blueprint)
