"""A catalogue's loudness and one measured from sound are on two scales, which are never mixed."""

import numpy as np
import pytest

from songrec.core.attributes import format_attribute
from songrec.services.training.inference import embed_track
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store.instance import Instance
from songrec.store.runs import runs
from songrec.store.runs.run_folders import run_folder
from songrec.store.runs.spaces import load_space
from tests.factories import make_track

REQUEST = TrainRequest(
    representation="identity", projection="pca", parameters={"clustering": {"n_clusters": 2}}
)


@pytest.fixture
def train_mixed(session, instance):
    """Train on tracks of a catalogue and of sound, whose loudness is -5 dB and -14 LUFS."""

    def run(stated, measured):
        for number in range(stated):
            make_track(session, tempo=100.0 + number, loudness=-5.0 - number / 10)
        for number in range(measured):
            key = f"audio:{number}"
            make_track(session, tempo=90.0 + number, loudness=-14.0 - number, source_key=key)
        session.flush()
        trained = train(Instance(instance, session), REQUEST)
        space = load_space(run_folder(instance, trained.public_id))
        loudness = space.values[:, space.value_names.index("loudness")]
        return trained, runs.manifest(instance, trained), loudness

    return run


@pytest.mark.parametrize(("stated", "measured", "scale"), [(9, 3, "catalogue"), (3, 9, "measured")])
def test_the_scale_of_more_tracks_stays_and_the_others_are_unknown(
    train_mixed, stated, measured, scale
):
    _, manifest, loudness = train_mixed(stated, measured)
    assert manifest["loudness_scale"] == scale
    unknown = np.isnan(loudness)
    assert unknown.tolist() == [scale == "measured"] * stated + [scale == "catalogue"] * measured
    (note,) = [note for note in manifest["notes"] if "oudness of" in note]
    assert note.startswith("The loudness of 3 tracks was left out: it was ")


def test_one_scale_alone_keeps_every_value(train_mixed):
    _, manifest, loudness = train_mixed(0, 8)
    assert manifest["loudness_scale"] == "measured"
    assert not np.isnan(loudness).any()
    assert not any("oudness of" in note for note in manifest["notes"])


@pytest.mark.parametrize(("stated", "measured", "is_known"), [(8, 0, False), (0, 8, True)])
def test_a_measured_loudness_is_placed_only_among_measured_ones(
    train_mixed, instance, stated, measured, is_known
):
    run, _, _ = train_mixed(stated, measured)
    placed = embed_track(
        instance, run, {"tempo": 95.0, "loudness": -12.0}, {}, has_measured_loudness=True
    )
    value = placed.values[placed.space.value_names.index("loudness")]
    assert np.isfinite(value) == is_known
    assert ("loudness" in placed.guessed) != is_known


def test_the_unit_says_which_it_is():
    assert format_attribute("loudness", -6.85) == "−6.8 dB"
    assert format_attribute("loudness", -14.0, measured=True) == "−14.0 LUFS"
    assert format_attribute("tempo", 120.0, measured=True) == "120 BPM"
