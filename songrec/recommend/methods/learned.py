"""Taste, and nearness learnt from playlists."""

from __future__ import annotations

from songrec.recommend.methods.taste import TasteMethod


class LearnedRule(TasteMethod):
    """``TasteMethod`` with one more prior: nearness to the likes in vectors learnt from playlists.

    The vectors come from two towers trained with the run (``pipeline.two_tower``); their weight was
    chosen on playlists kept out of that training. In a run whose catalogue has too few playlists,
    or where nearness did not help there, this is ``taste``.
    """

    uses_track_factors = True
