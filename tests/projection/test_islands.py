import numpy as np
import pytest
from scipy.spatial.distance import cdist

from songrec.projection.islands import draw_in

RANDOM = np.random.default_rng(0)
BODY = RANDOM.uniform(-5, 5, size=(2000, 2))


def group(x, y, n=100):
    return RANDOM.normal(scale=0.2, size=(n, 2)) + np.array([x, y])


def gap(a, b):
    return cdist(a, b).min()


def test_a_distant_group_is_drawn_in_as_a_whole_and_the_rest_stays():
    far = group(60, 40)
    drawn = draw_in(np.vstack([BODY, far]).astype("f4"), seed=0)
    np.testing.assert_array_equal(drawn[:2000], BODY.astype("f4"))
    moved = drawn[2000:] - far
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-4)
    assert 2 < gap(drawn[:2000], drawn[2000:]) < 3  # of the body's side of 10


def test_groups_near_one_another_do_not_land_on_each_other():
    parts = [BODY, group(40, 0), group(43, 0), group(0, -50), group(44, 3)]
    drawn = draw_in(np.vstack(parts).astype("f4"), seed=0)
    pieces = np.split(drawn, np.cumsum([len(part) for part in parts])[:-1])
    before = [gap(parts[i], parts[j]) for i in range(5) for j in range(i)]
    after = [gap(pieces[i], pieces[j]) for i in range(5) for j in range(i)]
    assert all(new >= min(old, 2) for new, old in zip(after, before, strict=True))
    assert np.ptp(drawn, axis=0).max() < 32


@pytest.mark.parametrize("n", [1, 2, 50])
def test_scattered_and_equal_tracks_stay_where_they_are(n):
    scattered = RANDOM.uniform(size=(n, 2)).astype("f4") * 1000
    for coordinates in (scattered if n > 2 else scattered[:1], np.ones((n, 2), "f4")):
        np.testing.assert_array_equal(draw_in(coordinates, seed=0), coordinates)
