import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.core.errors import BadInput
from songrec.tagging.segmentation import LEFT_OUT, TRAINING, VALIDATION, assign, split

HELD_OUT_BY = st.sampled_from(["segments", "songs", "windows"])
segmentations = st.builds(
    split,
    st.lists(st.integers(1, 400), min_size=1, max_size=8),
    st.integers(2, 60),
    st.floats(0.5, 40),
)


def frames_of(segments, chosen):
    return {
        (int(segments.song[at]), frame)
        for at in np.flatnonzero(chosen)
        for frame in range(int(segments.first[at]), int(segments.first[at]) + segments.frames)
    }


def reached(frames):
    """A frame is made of samples of its neighbours, too: half of those before and after it."""
    return {(song, half) for song, frame in frames for half in (2 * frame - 1, 2 * frame)}


@settings(max_examples=150, deadline=None)
@given(segmentations, st.floats(0, 0.95), st.integers(0, 99), HELD_OUT_BY)
def test_no_training_segment_shares_a_frame_with_a_validation_segment(segments, share, seed, by):
    kinds = assign(segments, share, seed, by)
    assert len(kinds) == len(segments)
    learn, check = frames_of(segments, kinds == TRAINING), frames_of(segments, kinds == VALIDATION)
    assert not reached(learn) & reached(check)
    if by == "songs":
        assert not {song for song, _ in learn} & {song for song, _ in check}
        assert not (kinds == LEFT_OUT).any()


def test_about_as_much_is_held_out_as_was_asked_for():
    segments = split([6000] * 40, 50, 10)
    held = {}
    for share in (0.1, 0.3):
        kinds = assign(segments, share, 4)
        learn, check = (kinds == TRAINING).sum(), (kinds == VALIDATION).sum()
        held[share] = check / (learn + check)
    assert 0.04 < held[0.1] < 0.16
    assert 0.2 < held[0.3] < 0.4


def test_the_same_seed_holds_out_the_same_segments_and_another_others():
    segments = split([900] * 10, 50, 10)
    assert (assign(segments, 0.3, 1) == assign(segments, 0.3, 1)).all()
    assert (assign(segments, 0.3, 1) != assign(segments, 0.3, 2)).any()


def test_something_is_held_out_of_two_blocks_however_small_the_probability():
    kinds = assign(split([200], 50, 10), 1e-9, 0)
    assert (kinds == VALIDATION).any()
    assert (kinds == TRAINING).any()
    assert not (assign(split([200], 50, 10), 0.0, 0) == VALIDATION).any()


def test_five_second_segments_of_thirty_seconds_follow_each_other_by_one_second():
    rate = 22_050 / 1024
    segments = split([1 + int(30 * rate), 20], round(5 * rate), rate)
    first = segments.first[segments.song == 0]
    assert len(first) == 26
    assert np.allclose(first / rate, np.arange(26), atol=0.5 / rate)
    assert segments.first[segments.song == 1].tolist() == [0]


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_an_impossible_probability_is_refused(share):
    with pytest.raises(BadInput, match="validation probability"):
        assign(split([200], 50, 10), share, 0)


@given(segmentations, st.floats(1e-9, 0.9), st.integers(0, 99), HELD_OUT_BY)
def test_both_kinds_occur_wherever_two_blocks_hold_a_segment(segments, share, seed, by):
    kinds = assign(segments, share, seed, by)
    block = 2 * segments.frames
    wholly = segments.first // block == (segments.first + segments.frames) // block
    pairs = np.stack([segments.song, segments.first // block])[:, wholly]
    places = pairs[:1] if by == "songs" else pairs
    if len(np.unique(places, axis=1).T) > 1:
        assert (kinds == TRAINING).any()
        assert (kinds == VALIDATION).any()


def test_an_empty_library_has_no_segments():
    assert len(split([], 50, 10)) == 0
    assert len(assign(split([], 50, 10), 0.2, 0)) == 0
