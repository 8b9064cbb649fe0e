"""After a merge the survivor is recommended, though the run still holds both tracks."""

from __future__ import annotations

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from songrec.services.recommendation.recommend import recommend_for
from songrec.services.similarity.audio_similarity import similar_to
from songrec.store.catalogue import merging
from songrec.store.instance import Instance
from songrec.store.tables import Track
from tests.planted_run import plant, publish


@pytest.mark.parametrize("first_survives", [True, False])
def test_the_survivor_is_recommended_before_the_next_training(
    app: Flask, session: Session, first_survives: bool
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    planted = plant(session, instance.folder, n=60)
    ids = planted.track_ids.tolist()
    # Two tracks of one song beside the liked one.
    liked, *pair = ids[:3]
    session.execute(update(Track).where(Track.id.in_(pair)).values(song_key=4711))
    values = np.array(planted.values)
    values[1:3] = values[0] + [[0.001], [0.002]]
    publish(
        session, instance.folder, planted.track_ids, planted.labels, planted.coordinates, values
    )
    session.commit()

    def recommended() -> set[int]:
        return {row.track.id for row in recommend_for(instance, [liked], n=5)}

    def similar() -> set[int]:
        return {row.track.id for row in similar_to(instance, session.get_one(Track, liked), 5)}

    assert len(recommended() & set(pair)) == len(similar() & set(pair)) == 1
    survivor, merged = pair if first_survives else reversed(pair)
    merging.merge(session, survivor, merged)
    session.commit()
    for found in (recommended(), similar()):
        assert found & set(pair) == {survivor}
        assert len(found) == 5
