"""Files of listening counts and of similar artists: columns, rows left out, folders."""

from pathlib import Path

import pytest

from songrec.catalogue_files.artist_affinities import read_affinities
from songrec.core.artist_affinities import COUNTS, SIMILAR
from songrec.core.errors import BadInput


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    return path


def entries(found):
    """Return the weights by the names of group and artist."""
    one = found.affinities
    return {
        (one.group_names[group], one.artists[column].name): float(weight)
        for group, column, weight in zip(
            one.groups.tolist(), one.columns.tolist(), one.weights, strict=True
        )
    }


@pytest.mark.parametrize(
    "header",
    [
        "listener,artist,count",
        "User ID;Artist Name;Play Count",
        "userid\tartist-name\tplays",
        "username,Artist,scrobbles",
    ],
)
def test_listening_counts_under_many_names(tmp_path, header):
    sign = next(c for c in ",;\t" if c in header)
    rows = ("ann,Björk,5", "ann,AC/DC,2", "bob,Bjork,1", "ann,BJÖRK,3")
    text = "\n".join([header, *(row.replace(",", sign) for row in rows)])
    found = read_affinities(written(tmp_path, text))
    assert found.affinities.kind == COUNTS
    # Spellings of one artist are one artist, whose counts add up.
    assert entries(found) == {("ann", "Björk"): 8, ("ann", "AC/DC"): 2, ("bob", "Björk"): 1}
    assert (found.n_rows, found.rejects) == (4, ())


@pytest.mark.parametrize("header", ["artist,artist,score", "artist,similar_artist,similarity"])
def test_similar_artists(tmp_path, header):
    found = read_affinities(written(tmp_path, f"{header}\nThe Cure,Joy Division,0.5\n"))
    assert found.affinities.kind == SIMILAR
    assert entries(found) == {("cure", "Joy Division"): 0.5}


def test_a_bad_row_is_left_out_with_its_reason(tmp_path):
    rows = (
        "ann,Björk,5",
        "ann,Björk,many",
        ",Björk,1",
        "ann,,1",
        "ann,Various Artists,2",
        "ann,Björk,-1",
        "a,b",
    )
    found = read_affinities(written(tmp_path, "\n".join(["user,artist,plays", *rows])))
    assert [str(reject) for reject in found.rejects] == [
        "row 3: plays 'many' is no number above 0",
        "row 4: user '' is empty",
        "row 5: artist '' names nobody",
        "row 6: artist 'Various Artists' names nobody",
        "row 7: plays '-1' is no number above 0",
        "row 8: has 2 cells, the header has 3",
    ]
    assert entries(found) == {("ann", "Björk"): 5}


def test_without_counts_every_row_counts_once(tmp_path):
    found = read_affinities(written(tmp_path, "user,artist\nann,Björk\nann,Björk\nbob,Björk\n"))
    assert entries(found) == {("ann", "Björk"): 2, ("bob", "Björk"): 1}


def test_musicbrainz_ids_stand_for_names(tmp_path):
    text = "user,artist_mbid,count\nann,87C5DEDD-371D-4A53-9F7F-80522FB7F3CB,3\n"
    (artist,) = read_affinities(written(tmp_path, text)).affinities.artists
    assert artist.musicbrainz_id == "87c5dedd-371d-4a53-9f7f-80522fb7f3cb"
    assert artist.key == artist.musicbrainz_id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title,year\nX,1990\n", "neither listening counts nor similar artists"),
        ("userID,artistID,weight\n1,2,3\n", "artists' numbers, not names"),
        ("user,artist,count\nann,,3\n", "no row could be read"),
        ("artist,count\nBjörk,3\n", "neither listening counts nor similar artists"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(BadInput, match=message) as error:
        read_affinities(written(tmp_path, text))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ending", ["tsv", "dat"])
def test_a_folder_of_the_hetrec_format(tmp_path, ending):
    (tmp_path / f"artists.{ending}").write_text(
        "id\tname\turl\n51\tDuran Duran\tx\n52\tMorcheeba\n"
    )
    (tmp_path / f"user_artists.{ending}").write_text(
        "userID\tartistID\tweight\n2\t51\t13883\n2\t52\t3\n3\t9\t1\n3\t51\tx\n3\t51\n"
    )
    found = read_affinities(tmp_path)
    assert entries(found) == {("2", "Duran Duran"): 13883, ("2", "Morcheeba"): 3}
    assert [reject.row for reject in found.rejects] == [4, 5, 6]
    (tmp_path / f"artists.{ending}").unlink()
    with pytest.raises(BadInput, match=r"holds no artists\.tsv"):
        read_affinities(tmp_path)


@pytest.mark.realdata
def test_the_hetrec_data(real_data):
    folder = real_data / "listening"
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    found = read_affinities(folder)
    assert len(found.affinities.group_names) == 1892
    assert len(found.rejects) < 100
