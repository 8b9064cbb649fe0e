import json
import threading

import numpy as np
import pytest

from songrec.core.errors import NotReady
from songrec.store.instance import Instance
from songrec.store.runs import spaces
from songrec.store.runs.spaces import load_space, published_space
from songrec.store.tables import Publication
from tests.factories import make_track
from tests.recommend.planted import publish_run


@pytest.fixture
def run(session, instance):
    for number in range(5):
        make_track(session, energy=number / 5, tempo=100 + number)
    run = publish_run(session, instance)
    session.commit()
    return run


def test_the_published_space_is_opened_once(session, instance, run):
    first = published_space(Instance(instance, session))
    assert published_space(Instance(instance, session)) is first
    assert len(first.track_ids) == 5
    assert first.run_id == run.public_id


def test_many_threads_get_the_same_space(app, session, instance, run, monkeypatch):
    opened = []
    load = spaces.load_space
    monkeypatch.setattr(spaces, "load_space", lambda folder: opened.append(folder) or load(folder))

    def ask():
        with app.app_context():
            from songrec.store.db import db

            published_space(Instance(instance, db.session))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1


def test_publishing_another_run_changes_the_space_at_once(session, instance, run):
    before = published_space(Instance(instance, session))
    make_track(session)
    publish_run(session, instance, "r2")
    after = published_space(Instance(instance, session))
    assert (len(before.track_ids), len(after.track_ids)) == (5, 6)
    session.get(Publication, 1).run_id = run.id
    session.flush()
    assert published_space(Instance(instance, session)) is before


def test_the_large_arrays_are_mapped_and_read_only(session, instance, run):
    space = published_space(Instance(instance, session))
    for array in (space.matrix, space.values, space.track_ids, space.song_keys):
        assert isinstance(array.base, np.memmap)
        assert not array.flags.writeable


def test_without_a_published_run_the_message_says_to_train(session, instance):
    with pytest.raises(NotReady, match="flask train"):
        published_space(Instance(instance, session))


@pytest.mark.parametrize("name", ["space.npy", "manifest.json", "clustering.npz"])
def test_a_missing_or_damaged_file_is_named_in_one_line(session, instance, run, name):
    folder = instance / "runs" / run.public_id
    (folder / name).write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(NotReady, match="flask publish"):
        load_space(folder)
    (folder / name).unlink()
    with pytest.raises(NotReady, match="cannot be read"):
        load_space(folder)


def test_arrays_of_another_length_are_refused(session, instance, run):
    folder = instance / "runs" / run.public_id
    np.save(folder / "space.npy", np.zeros((3, 10), np.float32))
    with pytest.raises(NotReady, match=r"\(3, 10\), expected \(5, 10\)"):
        load_space(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest["space"]["columns"]) == 10


def test_pickled_arrays_are_refused(session, instance, run):
    folder = instance / "runs" / run.public_id
    np.save(folder / "values.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(NotReady):
        load_space(folder)
