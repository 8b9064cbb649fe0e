"""Pages read with a parser: what a test says about a page is about elements, not substrings."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag
from werkzeug.test import TestResponse


def parse(answer: TestResponse | str) -> BeautifulSoup:
    """Return a page as a tree to select from."""
    return BeautifulSoup(answer if isinstance(answer, str) else answer.text, "html.parser")


def text_of(element: Tag) -> str:
    """Return an element's visible text in one line."""
    return " ".join(element.get_text(" ").split())


def texts(answer: TestResponse | str, selector: str) -> list[str]:
    """Return the texts of the elements that a CSS selector finds, in order."""
    return [text_of(element) for element in parse(answer).select(selector)]


def links(answer: TestResponse | str, selector: str = "a") -> dict[str, str]:
    """Return the addresses of the links that a CSS selector finds, by their text."""
    return {text_of(a): str(a["href"]) for a in parse(answer).select(selector) if a.get("href")}
