"""The pure parts of the map: the sorted plane, cells, groups of colour, names and the picture."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from songrec.web.map import density, groups, labels, picture
from songrec.web.map.labels import Label, place_labels
from songrec.web.map.plane import STEPS, WHOLE, View, sort_plane


def scattered(n: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 2, (n, 2)).astype(np.float32)


def boxes(placed: list[Label]) -> list[tuple[float, float, float, float]]:
    """What each label covers, written from the meaning of its fields."""
    out = []
    for label in placed:
        style = labels.STYLES[label.kind]
        half = labels.text_width(label.text, style.letter) / 2
        middle = label.y + label.side * (style.height / 2 + 4)
        out.append((label.x - half, middle - 8, label.x + half, middle + 8))
    return out


class TestPlane:
    def test_a_view_holds_the_songs_inside_and_no_others(self) -> None:
        coordinates = scattered(3000)
        plane = sort_plane(coordinates)
        view = View(20_000, 31_234, 15_001, 48_000)
        rows = np.sort(plane.rows[plane.select(view)])
        x = np.array([plane.code(*place)[0] for place in coordinates.tolist()])
        y = np.array([plane.code(*place)[1] for place in coordinates.tolist()])
        inside = (x >= 20_000) & (x <= 31_234) & (y >= 15_001) & (y <= 48_000)
        assert np.array_equal(rows, np.flatnonzero(inside))
        assert len(plane.select(WHOLE)) == 3000

    def test_codes_lead_back_to_places(self) -> None:
        coordinates = scattered(500)
        plane = sort_plane(coordinates)
        for row in (0, 17, 499):
            at = plane.where[row]
            assert plane.rows[at] == row
            place = plane.place(float(plane.x[at]), float(plane.y[at]))
            assert place == pytest.approx(coordinates[row].tolist(), abs=0.001)

    def test_names_have_room_around_the_songs(self) -> None:
        plane = sort_plane(scattered(500))
        assert plane.x.min() > 0.05 * STEPS
        assert plane.y.max() < 0.95 * STEPS

    def test_the_first_view_shows_99_percent_along_each_axis(self) -> None:
        coordinates = scattered(10_000)
        left, right, bottom, top = sort_plane(coordinates).box
        inside = (coordinates[:, 0] > left) & (coordinates[:, 0] < right)
        assert inside.mean() >= 0.99
        assert right - left < np.ptp(coordinates[:, 0])
        assert top - bottom < np.ptp(coordinates[:, 1])

    def test_inside_a_shape_are_the_songs_that_it_encloses_the_middle_ones_first(self) -> None:
        grid = np.stack(np.meshgrid(np.arange(10), np.arange(10)), -1).reshape(-1, 2)
        plane = sort_plane(grid.astype(np.float32))
        corners = [(1.5, 1.5), (6.5, 1.5), (6.5, 6.5), (1.5, 6.5)]
        shape = np.array([plane.code(*corner) for corner in corners])
        rows, count = plane.inside(shape, 3)
        assert count == 25
        assert len(rows) == 3
        assert grid[rows[0]].tolist() == [4, 4]
        bow = np.array([plane.code(*c) for c in [(1.5, 1.5), (6.5, 6.5), (6.5, 1.5), (1.5, 6.5)]])
        assert 0 < plane.inside(bow, 100)[1] < 25

    @pytest.mark.parametrize("n", [0, 1])
    def test_no_song_and_one_song_make_a_plane(self, n: int) -> None:
        plane = sort_plane(np.full((n, 2), 3, np.float32))
        assert len(plane.select(WHOLE)) == n
        left, right, _, _ = plane.box
        assert left < right


class TestCells:
    def test_cells_count_every_song_and_name_the_group_of_most(self) -> None:
        n = density.MOST_SONGS + 1000
        rng = np.random.default_rng(5)
        coordinates = rng.uniform(0, 1, (n, 2)).astype(np.float32)
        of = (coordinates[:, 0] > 0.5).astype(np.uint8) * 3
        body = density.encode_view(sort_plane(coordinates), of, WHOLE, 40, 30)
        magic, version, kind, _, total = struct.unpack_from("<4sBBHI", body)
        assert (magic, version, kind, total) == (b"SRMV", 1, 0, n)
        assert struct.unpack_from("<4H2H", body, 12) == (0, STEPS, 0, STEPS, 40, 30)
        most = np.frombuffer(body, "u1", 1200, 24).reshape(30, 40)
        levels = np.frombuffer(body, "u1", 1200, 1224).reshape(30, 40)
        counts = 2 ** (levels / 10.0) - 1
        assert counts.sum() == pytest.approx(n, rel=0.05)
        assert len(body) == 2424
        assert set(most[levels > 0][:].tolist()) == {0, 3}
        assert (most[15, 5:15] == 0).all()
        assert (most[15, 25:35] == 3).all()

    def test_few_songs_come_themselves(self) -> None:
        coordinates = scattered(800)
        of = np.arange(800).astype(np.uint8)
        body = density.encode_view(sort_plane(coordinates), of, WHOLE, 40, 30)
        kind, n = body[5], struct.unpack_from("<I", body, 8)[0]
        assert (kind, n) == (1, 800)
        rows = np.frombuffer(body, "<u4", n, 24)
        groups_of = np.frombuffer(body, "u1", n, 24 + 8 * n)
        assert sorted(rows.tolist()) == list(range(800))
        assert np.array_equal(groups_of, of[rows])

    def test_many_groups_give_the_same_answer_as_few(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(9)
        cells = rng.integers(0, 50, 4000).astype(np.int32)
        of = rng.integers(0, 7, 4000).astype(np.uint8)
        most, counts = density.largest_groups(cells, of, 60)
        monkeypatch.setattr(density, "DENSE", 1)
        other, same = density.largest_groups(cells, of, 60)
        assert np.array_equal(counts, same)
        table = np.zeros((60, 7), int)
        np.add.at(table, (cells, of), 1)
        for answer in (most, other):
            assert np.array_equal(table[np.arange(60), answer], table.max(axis=1))


class TestGroups:
    def test_ranges_are_whole_and_hold_what_they_were_made_for(self) -> None:
        assert groups.whole_range(71.3, 176.9) == (70, 180, 11)
        assert groups.whole_range(-23.4, -3.1) == (-24, -2, 11)
        assert groups.whole_range(0, 1) == (0, 1, 10)
        assert groups.whole_range(4, 83) == (0, 90, 9)
        assert groups.whole_range(0.001, 0.0021) == (0.001, 0.0021, 11)
        low, high, bins = groups.whole_range(5, 5)
        assert low <= 5 < high
        assert bins == 1

    def test_the_most_frequent_names_have_groups_of_their_own(self) -> None:
        names = [f"g{i:02}" for i in range(14) for _ in range(20 - i)] + [None, None]
        grouping = groups.by_name(names)
        assert grouping.labels == (*(f"g{i:02}" for i in range(11)), "3 others", "Unknown")
        assert grouping.to_json()["counts"][-2:] == [9 + 8 + 7, 2]

    def test_clusters_are_grouped_in_the_order_of_the_legend(self) -> None:
        grouping = groups.by_cluster(np.array([5, -1, 2, 5]), [(5, "five"), (2, "two"), (-1, "x")])
        assert grouping.of.tolist() == [0, 2, 1, 0]
        assert grouping.to_json()["counts"] == [2, 1, 1]

    def test_amounts_fall_into_whole_steps_and_the_unknown_stay_apart(self) -> None:
        values = np.array([0, 9.9, 10, 99, 100, 140, -5, np.nan], np.float32)
        grouping = groups.by_amount(values, 0, 100, 10)
        assert grouping.of.tolist() == [0, 0, 1, 9, 9, 9, 0, 10]


class TestNames:
    def test_no_name_covers_another_and_the_first_one_wins(self) -> None:
        rng = np.random.default_rng(1)
        candidates = [
            Label("title", f"Song of the {i}", *rng.uniform(0, 600, 2).tolist(), i, 0)
            for i in range(400)
        ]
        placed = place_labels(candidates, 600, 600, limit=400)
        assert 20 < len(placed) < 400
        covered = boxes(placed)
        for i, a in enumerate(covered):
            for b in covered[:i]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        inside = [c for c in candidates if 100 < c.x < 500 and 30 < c.y < 570]
        assert placed[[p.key for p in placed].index(inside[0].key)].key == inside[0].key

    def test_a_name_stands_below_its_place_where_the_place_above_is_taken(self) -> None:
        both = [Label("title", "One", 100, 100, 0, 0), Label("title", "Two", 100, 100, 1, 0)]
        assert [(label.text, label.side) for label in place_labels(both, 200, 200)] == [
            ("One", -1),
            ("Two", 1),
        ]

    def test_a_name_that_would_leave_the_view_is_left_out(self) -> None:
        assert place_labels([Label("group", "Calm acoustic", 5, 50, 0, 0)], 300, 100) == []

    def test_names_of_groups_that_are_moved_inwards_have_their_room_there(self) -> None:
        group = Label("group", "Calm acoustic", 5, 50, 0, 0)
        # It is drawn from 20 to 150: the artist would be covered there, and fits beside it.
        near, beside = (Label("artist", "Nobody", x, 50, 1, 0) for x in (120, 200))
        placed = place_labels([group, near, beside], 300, 100, margin=20)
        assert [(label.text, label.x) for label in placed] == [
            ("Calm acoustic", 5),
            ("Nobody", 200),
        ]
        # A name that is wider than the view is left out as before.
        assert place_labels([Label("group", "W" * 36, 150, 50, 0, 0)], 300, 100, margin=20) == []

    def test_long_names_are_cut_and_ideographs_count_twice(self) -> None:
        assert labels.shorten("a" * 26) == "a" * 26
        assert labels.shorten("a" * 27) == "a" * 25 + "…"
        assert labels.text_width("上海", 5) > labels.text_width("ab", 5) * 1.8

    def test_groups_are_named_from_afar_artists_nearer_and_titles_from_close_by(self) -> None:
        kinds = [labels.kinds_for(n, 1100, 700) for n in (100_000, 8_000, 300, 28)]
        assert [(k.artists, k.titles) for k in kinds] == [
            (False, False),
            (True, False),
            (True, True),
            (False, True),
        ]

    def test_of_each_cell_the_best_known_song_is_named_and_a_moved_view_names_the_same(
        self,
    ) -> None:
        plane = sort_plane(scattered(2000))
        rank = np.random.default_rng(2).permutation(2000).astype(np.int32)

        def named(view: View) -> set[int]:
            at = plane.select(view)
            rows = labels.best_of_cells(plane, at, rank, view, (1000, 600), (100, 60))
            assert np.all(np.diff(rank[rows]) > 0)
            return set(rows.tolist())

        first = named(View(20_000, 45_000, 20_000, 45_000))
        second = named(View(24_000, 49_000, 20_000, 45_000))
        best = int(plane.rows[plane.select(View(24_000, 45_000, 20_000, 45_000))][0])
        assert len(first & second) > 0.6 * len(first)
        assert best in range(2000)

    def test_songs_rank_by_popularity_then_by_their_artists_songs(self) -> None:
        popularity = np.array([10, np.nan, 90, 10], np.float32)
        artists = np.array([1, 2, 3, 2], np.uint64)
        assert labels.rank_songs(popularity, artists, 4).tolist() == [2, 3, 0, 1]
        assert labels.rank_songs(None, None, 2).tolist() == [0, 1]

    def test_an_artists_name_stands_at_the_song_in_the_middle_of_theirs(self) -> None:
        near = [(0, 0), (1, 0), (2, 0)]
        far = [(-50, 0), (50, 0)]
        alone = [(9, 9)]
        coordinates = np.array([*near, *far, *alone], np.float32)
        artists = np.array([7, 7, 7, 8, 8, 9], np.uint64)
        rank = np.arange(6, dtype=np.int32)
        rows, ranks = labels.artist_rows(artists, coordinates, rank)
        assert rows.tolist() == [1]
        assert ranks[1] == 0

    def test_a_groups_name_stands_where_its_songs_lie_densest(self) -> None:
        rng = np.random.default_rng(4)
        one = np.concatenate([rng.normal((-8, 0), 0.3, (300, 2)), rng.normal((-3, 0), 1, (100, 2))])
        two = rng.normal((0, 9), 0.5, (200, 2))
        everywhere = rng.uniform(-9, 9, (100, 2))
        plane = sort_plane(np.concatenate([one, two, everywhere]).astype(np.float32))
        of = np.repeat([0, 1, 2], [400, 200, 100]).astype(np.uint8)
        anchors = labels.group_anchors(plane, of, 3)
        assert [anchor.group for anchor in anchors] == [0, 1]
        assert plane.place(anchors[0].x, anchors[0].y) == pytest.approx((-8, 0), abs=0.5)


def test_the_picture_shows_every_group_and_its_name() -> None:
    rng = np.random.default_rng(4)
    places = np.concatenate([rng.normal((-8, 0), 1, (300, 2)), rng.normal((8, 0), 1, (300, 2))])
    plane = sort_plane(places.astype(np.float32))
    of = np.repeat([0, 1], 300).astype(np.uint8)
    anchors = labels.group_anchors(plane, of, 2)
    drawn = picture.draw(plane, of, anchors, ["calm folk", "loud rap"])
    assert {dots.group for dots in drawn.dots} == {0, 1}
    assert {name.text for name in drawn.names} == {"Calm folk", "Loud rap"}
    left = [name.x for name in drawn.names if name.text == "Calm folk"]
    assert left[0] < drawn.width / 2
