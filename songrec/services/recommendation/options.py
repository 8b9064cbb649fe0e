"""Methods and re-ranking options of recommendations, for forms, commands and API schemas."""

from __future__ import annotations

from songrec.recommend.lists.rerank import DEFAULT_RERANKING, MAX_PER_ARTIST, Reranking
from songrec.recommend.registry import METHODS

__all__ = ["DEFAULT_RERANKING", "MAX_PER_ARTIST", "METHODS", "Reranking"]
