"""The recommendation methods, listed without importing them."""

from __future__ import annotations

from songrec.core.registry import Entry, Parameter, Registry


def _dislike_weight(default: float) -> Parameter:
    return Parameter(
        "dislike_weight",
        "float",
        default,
        "Weight of a dislike",
        "How strongly a song you do not like pushes its neighbours away; a like weighs 1.",
        low=0.0,
        high=2.0,
    )


def _taste_parameters(*, playlists: bool) -> tuple[Parameter, ...]:
    return (
        _dislike_weight(1.0),
        Parameter(
            "metadata",
            "bool",
            True,
            "Artist, album, popularity",
            "Whether they count besides the sound.",
        ),
        Parameter(
            "playlists",
            "bool",
            playlists,
            "Playlists",
            "Whether nearness learnt from playlists counts, with the metadata.",
        ),
    )


METHODS = Registry(
    "recommendation method",
    (
        Entry(
            "cosine",
            "songrec.recommend.methods.cosine:Cosine",
            "What they share",
            "More of what your likes have in common.",
            (_dislike_weight(0.15),),
        ),
        Entry(
            "distance",
            "songrec.recommend.methods.distance:Distance",
            "Near all of them",
            "Songs close to every one of your likes, not to one alone.",
            (_dislike_weight(0.25),),
        ),
        Entry(
            "cluster",
            "songrec.recommend.methods.cluster:SameCluster",
            "The same groups",
            "Songs from the sound groups of your likes, nearest first.",
            (_dislike_weight(0.15),),
        ),
        Entry(
            "taste",
            "songrec.recommend.methods.taste:TasteMethod",
            "Your taste",
            "What your likes agree on, artists included; different tastes are kept apart.",
            _taste_parameters(playlists=False),
        ),
        Entry(
            "learned",
            "songrec.recommend.methods.taste:TasteMethod",
            "Learnt from playlists",
            "Your taste, and songs that people put into playlists with songs like yours.",
            _taste_parameters(playlists=True),
        ),
        Entry(
            "additive_ranker",
            "songrec.recommend.methods.additive_ranker:AdditiveRanker",
            "All evidence",
            "Sound, artists and playlists together, weighted as playlists taught.",
            (
                _dislike_weight(1.0),
                Parameter(
                    "discovery",
                    "float",
                    0.0,
                    "Familiar to new",
                    "0: what goes with your likes, artists you like included; 1: artists that are "
                    "new to you.",
                    low=0.0,
                    high=1.0,
                ),
            ),
        ),
        Entry(
            "fragments",
            "songrec.recommend.methods.segments:NearestSegments",
            "A moment like those",
            "Songs with a moment of a few seconds like moments of what you like; it plays from "
            "there.",
            (
                Parameter(
                    "points",
                    "int",
                    32,
                    "Moments of your likes",
                    "How many are drawn; each liked song gives one before any gives a second.",
                    1,
                    256,
                ),
                Parameter("seed", "int", 0, "Seed", "What the draw follows from.", 0, 2**31 - 1),
                _dislike_weight(0.25),
            ),
            aliases=("segments",),
        ),
    ),
)
