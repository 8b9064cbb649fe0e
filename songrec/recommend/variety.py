"""Variety among the answers: maximal marginal relevance."""

from __future__ import annotations

import numpy as np

from songrec.recommend.taste import Rows, Scores, Taste

# How many candidates per wanted answer the choice is made from.
POOL = 10


def diversify(taste: Taste, rows: Rows, scores: Scores, n: int, variety: float) -> Rows:
    """Positions of ``n`` of ``rows`` (best first), chosen one by one for relevance and novelty.

    Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each next one maximises
    (1 − ``variety``) · relevance − ``variety`` · its largest cosine with one already chosen, in
    the normalised space. Relevance is the score, brought to 0..1 over the candidates. ``variety``
    0 leaves the order of the scores; scores themselves never change.
    """
    if variety <= 0 or len(rows) <= 1:
        return np.arange(min(n, len(rows)), dtype=np.int64)
    spread = float(scores.max() - scores.min()) or 1.0
    relevance = (scores - scores.min()) / spread
    vectors = taste.space.matrix[rows].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths == 0, 1.0, lengths)
    likeness = np.full(len(rows), -1.0)
    left = np.ones(len(rows), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(n, len(rows))):
        # The first has nothing to differ from: it is the best match.
        novelty = likeness if chosen else np.zeros(len(rows))
        marginal = np.where(left, (1 - variety) * relevance - variety * novelty, -np.inf)
        best = int(np.argmax(marginal)) if chosen else 0
        chosen.append(best)
        left[best] = False
        likeness = np.maximum(likeness, vectors @ vectors[best])
    return np.array(chosen, dtype=np.int64)
