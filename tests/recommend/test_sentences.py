"""The sentence that a listener reads first: short, in words of the ear, naming a liked song."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from songrec.core.types import Match, Reason, SegmentIndex, Space
from songrec.recommend.explain import contributions, phrases, segment_tags
from songrec.recommend.ranking import rank
from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.segment_search import nearest_pair
from tests.recommend.contract import SPACE
from tests.recommend.test_reasons import CALM, CALM_TOO, named_space

UNSAID = re.compile(
    r"\b(loud|louder|quiet|quieter|short|shorter|long|longer|length|loudness|unknown|asked)\b|−0"
)
NAME = "The Very Best of Everything That Was Ever Sung at the Harbour by Night"
LONG = f"{NAME} - 2011 Remaster"
ACADEMY = "More by Sir Neville Marriner and the Academy of St Martin in the Fields"


def name(ids: list[int]) -> dict[int, str]:
    return {i: f"Title {i}" if i % 2 else f"{LONG} ({i})" for i in ids}


def index_of(tags: dict[int, list[list[float]]], names: tuple[str, ...]) -> SegmentIndex:
    """An index of tracks whose segments have these tags; vectors are the tags."""
    ids = sorted(tags)
    rows = np.array([row for one in ids for row in tags[one]], dtype=np.float32)
    counts = [len(tags[one]) for one in ids]
    return SegmentIndex(
        "planted",
        np.array(ids, dtype=np.int64),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        rows,
        rows,
        np.zeros(len(rows), dtype=np.float32),
        np.concatenate([np.arange(n) * 3.0 for n in counts]).astype(np.float32),
        5.0,
        1.0,
        "tagger",
        names,
        rows.astype(np.float16),
    )


def with_tags(space: Space) -> Space:
    random = np.random.default_rng(5)
    names = ("piano", "strings", "classical", "loud", "fast", "no vocals")
    tags = {int(i): random.uniform(0, 0.6, (3, len(names))).tolist() for i in space.track_ids}
    return replace(space, segments=index_of(tags, names))


@pytest.mark.parametrize("space", [SPACE, with_tags(SPACE)], ids=["attributes", "tags"])
@pytest.mark.parametrize("method", METHODS.names())
def test_every_sentence_is_short_and_names_a_liked_song(method: str, space: Space) -> None:
    for seed in range(8):
        ids = np.random.default_rng(seed).choice(space.track_ids, 12, replace=False).tolist()
        likes = ids[: (1, 2, 5, 10)[seed % 4]]
        quoted = {i: re.escape(name([i])[i][:12]) for i in likes}
        for match in rank(space, likes, ids[10:], 20, method=method, names=name):
            sentence = contributions.main_reason(match.reasons)
            assert len(sentence) <= phrases.MAX_SENTENCE
            assert not UNSAID.search(re.sub("“.*”", "", sentence)), sentence
            like = contributions.named_like(match.reasons)
            assert like in likes
            assert re.search(f"“{quoted[like]}", sentence), sentence


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("Calm, like “Vibe Ace”", "Calm, like “Vibe Ace”"),
        ("Dark, like “Black & White (feat. A, B)”", "Dark, like “Black & White”"),
        ("In 2 playlists with “Lithium - 2011 Remaster”", "In 2 playlists with “Lithium”"),
        ("Calm, like “Old Town Road - Diplo Remix”", "Calm, like “Old Town Road - Diplo Remix”"),
        ("Calm, like “(I Can’t Get No) Satisfaction [Live]”",) * 2,
        (f"Calm, like “{LONG}”", f"Calm, like “{NAME}”"),
        (
            f"Calm and acoustic, with female vocals, like “{LONG}” at 1:02",
            f"Calm and acoustic, with female vocals, like “{NAME[:32]}…” at 1:02",
        ),
        (f"{ACADEMY}, also calm and acoustic", ACADEMY),
        ("x" * 100, "x" * 89 + "…"),
    ],
)
def test_what_is_too_long_is_shortened_at_the_title(sentence: str, says: str) -> None:
    assert phrases.shorten(sentence) == says
    assert len(says) <= phrases.MAX_SENTENCE


@pytest.mark.parametrize(
    ("adjectives", "tags", "says"),
    [
        (["calm", "acoustic"], ["piano", "classical"], "calm and acoustic, with piano"),
        (["calm"], ["classical", "strings"], "calm classical, with strings"),
        ([], ["strings", "piano", "violin"], "strings and piano"),
        ([], ["opera", "female"], "operatic, with female vocals"),
        ([], ["loud", "fast", "no vocals", "weird"], ""),
        (["fast"], [], "fast"),
        (["from the 70s", "calm"], ["jazz"], "calm and from the 70s"),
        (["from the 70s"], ["jazz"], "jazz from the 70s"),
    ],
)
def test_traits_and_tags_make_one_clause(adjectives: list[str], tags: list[str], says: str) -> None:
    assert segment_tags.describe_sound(adjectives, tags) == says


def test_a_sentence_names_the_instrument_that_both_songs_have() -> None:
    space = named_space(CALM, CALM_TOO)
    tags = {0: [[0.9, 0.3], [0.5, 0.0]], 1: [[0.4, 0.1], [0.4, 0.9]]}
    space = replace(space, segments=index_of(tags, ("piano", "techno")))
    match = rank(space, [0], [], 1, method="taste", names=lambda ids: {0: "Hallelujah"})[0]
    # Of techno the two have 0.15 and 0.5 on average.
    assert contributions.main_reason(match.reasons) in (
        "Acoustic and calm, with piano, like “Hallelujah”",
        "Calm and acoustic, with piano, like “Hallelujah”",
    )
    assert contributions.named_like(match.reasons) == 0


def test_the_nearest_pair_of_segments() -> None:
    index = index_of({3: [[0, 9], [5, 5]], 8: [[1, 1], [7, 7], [5, 4]], 9: []}, ("a", "b"))
    assert nearest_pair(index, 3, 8) == (1, 4)
    assert nearest_pair(index, 8, 3) == (4, 1)
    assert nearest_pair(index, 3, 9) is None
    assert nearest_pair(index, 3, 77) is None


def test_a_stored_match_names_no_track_of_this_catalogue() -> None:
    stored = Match(1, 0.5, (Reason("liked", "Close to “X”", 0.5, "p1"),))
    assert contributions.named_like(stored.reasons) is None
    assert contributions.named_like(()) is None
