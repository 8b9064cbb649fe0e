"""Analyses of songs that another program made."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base, UtcDateTime, now


class ImportedFeatures(Base):
    """The values of a track's feature set extracted by another program.

    ``values`` are float32 in little-endian order as base64, one for each column of the set.
    ``source`` is the name of the program and its host, ``mark`` its version of the analysis, by
    which unchanged ones are skipped.
    """

    __tablename__ = "imported_features"

    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    feature_set: Mapped[str] = mapped_column(String(40), primary_key=True)
    values: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(200))
    mark: Mapped[str] = mapped_column(String(32), default="", server_default="")
    imported_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (Index("ix_imported_features_feature_set", "feature_set"),)
