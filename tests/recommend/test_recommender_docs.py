"""docs/adding-a-recommender.md lists the registered methods, and its example works."""

import re

import numpy as np
import pytest

from songrec.core.registry import Entry, Parameter
from songrec.recommend import methods
from songrec.recommend.ranking import rank
from songrec.recommend.registry import METHODS
from tests.documented_modules import module_in
from tests.recommend.contract import SPACE, RecommenderContract


@pytest.fixture
def document(request):
    return (request.config.rootpath / "docs" / "adding-a-recommender.md").read_text()


def test_every_method_is_listed_with_its_parameters_and_defaults(document):
    table = document[document.index("## What there is") :]
    expected = {
        (entry.name, ", ".join(f"`{p.name}` ({p.text()})" for p in entry.parameters) or "none")
        for entry in METHODS
    }
    assert set(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)) == expected


class TestDocumentedExample(RecommenderContract):
    """The example of the page, put where the page says, passes the contract of a recommender."""

    @pytest.fixture
    def entry(self, document, tmp_path):
        file, entry = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
        with module_in(methods, "same_artist", tmp_path, file):
            yield eval(entry, {"Entry": Entry, "Parameter": Parameter})

    def test_songs_by_the_same_artist_come_first(self, entry):
        like = int(np.flatnonzero(SPACE.artists == 7)[0])
        found = rank(SPACE, [int(SPACE.track_ids[like])], [], 30, method=entry.name)
        by_artist = [SPACE.artists[SPACE.rows_of([m.track_id])[0]] == 7 for m in found]
        songs = len(np.unique(SPACE.song_keys[SPACE.artists == 7])) - 1
        assert by_artist == [True] * songs + [False] * (30 - songs)
        assert all(m.reasons[0].text.startswith("By the artist of") for m in found[:songs])
