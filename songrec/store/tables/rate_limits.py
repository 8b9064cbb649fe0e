"""Counters of the web's rate limits, shared by all of its processes."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base


class RateLimit(Base):
    """Number of tries in a window that ends at ``expires``, in seconds since the epoch."""

    __tablename__ = "rate_limit"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    count: Mapped[int]
    expires: Mapped[float]
