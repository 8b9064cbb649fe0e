"""What follows from new tracks is updated in one order, whatever door they came in by."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from songrec.core.errors import Cancelled
from songrec.services.catalogue import duplicate_search
from songrec.services.library import after_import
from songrec.store.catalogue import lyrics
from songrec.store.instance import Instance
from tests.factories import make_track


def test_words_and_duplicates_are_updated_and_progress_grows(
    session: Session, instance: Path
) -> None:
    make_track(session, "Deep Sea", artists="Anna", genres=("ambient",))
    session.commit()
    before = duplicate_search.newest_id(session)
    make_track(session, "Deep Sea - Remastered", artists="Anna", genres=("ambient",))
    session.commit()
    assert not lyrics.any_prepared(session)
    shares: list[float] = []
    derived = after_import.refresh_derived(
        Instance(instance, session),
        before,
        lambda share, message, details=None: shares.append(share),
    )
    assert derived.alike == 1
    assert lyrics.any_prepared(session)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_cancelled_it_is_completed_the_next_time(session: Session, instance: Path) -> None:
    make_track(session, "Deep Sea", genres=("ambient",))
    session.commit()

    def cancel(share: float, message: str, details: object = None) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        after_import.refresh_derived(Instance(instance, session), 0, cancel)
    after_import.refresh_derived(Instance(instance, session), 0)
    assert lyrics.any_prepared(session)
