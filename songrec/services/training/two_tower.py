"""Vectors in which songs of one playlist are near: two towers, trained on playlists.

A song's tower adds what its sound says (one hidden layer over the columns of the space and
popularity) and what its artist does (an embedding of those artists that playlists hold). The
listener's tower is the mean of the liked songs' vectors. Both are unit vectors; a song of the
playlist is to be nearer to ten others of it than the batch's other songs and songs drawn from the
catalogue are: sampled softmax with in-batch negatives (Yi et al., "Sampling-bias-corrected neural
modeling for large corpus item recommendations", RecSys 2019). An artist's embedding is left out at
random, so that the sound learns to speak for artists that no playlist holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Ints, Progress, Space, no_progress
from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste.prior import MIN_TRACKS, N_LIKES

FEWEST = 30
"""With fewer playlists there is too little to learn, and to choose by."""
DIMENSIONS, HIDDEN = 32, 64
EPOCHS, STEPS, BATCH, DRAWN = 40, 24, 256, 1024
RATE, DECAY, LEFT_OUT = 3e-3, 1e-4, 0.3
KEPT_OUT = 0.2
"""Of the playlists, to choose the weight by."""
SHARES = (0.0, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Towers:
    """``vectors`` float32 ``(n, 32)`` of length 1; ``scale`` turns a cosine into a logit."""

    vectors: Floats
    scale: float


def learn(
    space: Space,
    playlists: Sequence[Ints],
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> tuple[Floats | None, dict[str, Any]]:
    """The songs' vectors, and ``{"weight", "playlists", "ndcg": {share: …}}`` for the manifest.

    The weight is the towers' scale times the share among ``SHARES`` with the best NDCG@10 on a
    fifth of the playlists, which a first training does not see; a second one sees all. Without a
    share that beats 0, or with fewer than ``FEWEST`` playlists, there are no vectors.
    """
    lists = [np.unique(rows) for rows in playlists]
    lists = [rows for rows in lists if len(rows) >= MIN_TRACKS]
    if len(lists) < FEWEST:
        return None, {"weight": 0.0, "playlists": len(lists)}
    order = np.random.default_rng(seed).permutation(len(lists))
    out = max(5, round(KEPT_OUT * len(lists)))
    held, kept = ([lists[at] for at in part] for part in (order[:out], order[out:]))
    first = train(space, kept, seed=seed, on_progress=lambda f, m, d=None: on_progress(f / 2, m, d))
    ndcg = _validate(space, first, kept, held, seed)
    told: dict[str, Any] = {
        "playlists": len(lists),
        "ndcg": {str(share): round(v, 4) for share, v in ndcg.items()},
    }
    best = max(ndcg, key=lambda share: ndcg[share])
    if not best:
        return None, {"weight": 0.0, **told}
    towers = train(
        space, lists, seed=seed, on_progress=lambda f, m, d=None: on_progress(0.5 + f / 2, m, d)
    )
    return towers.vectors, {"weight": round(best * towers.scale, 4), **told}


def train(
    space: Space,
    lists: Sequence[Ints],
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> Towers:
    """Towers trained on ``lists`` (rows of ``space``, each of at least ``N_LIKES`` + 1)."""
    from songrec.core.backend import keras, tf

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    sound, artist, count = _inputs(space, lists)
    inputs, numbers = tf.constant(sound), tf.constant(artist)
    draw = tf.random.normal
    embedding = tf.Variable(draw((count + 1, DIMENSIONS), stddev=0.05))
    into = tf.Variable(draw((sound.shape[1], HIDDEN), stddev=0.25))
    bias = tf.Variable(tf.zeros(HIDDEN))
    onto = tf.Variable(draw((HIDDEN, DIMENSIONS), stddev=0.12))
    scale = tf.Variable(2.0)  # its logarithm
    variables = [embedding, into, bias, onto, scale]
    optimizer = keras.optimizers.Adam(RATE)

    def vectors(rows: Any, training: bool) -> Any:
        of = tf.gather(numbers, rows)
        known = tf.cast(of > 0, tf.float32)
        if training:
            known *= tf.cast(tf.random.uniform(tf.shape(known)) > LEFT_OUT, tf.float32)
        heard = tf.nn.relu(tf.gather(inputs, rows) @ into + bias) @ onto
        return tf.math.l2_normalize(heard + tf.gather(embedding, of) * known[..., None], -1)

    @tf.function(reduce_retracing=True)
    def step(liked: Any, right: Any, drawn: Any, playlist: Any) -> Any:
        with tf.GradientTape() as tape:
            asked = tf.math.l2_normalize(tf.reduce_mean(vectors(liked, True), axis=1), -1)
            offered = vectors(tf.concat([right, drawn], 0), True)
            logits = asked @ tf.transpose(offered) * tf.exp(scale)
            # Another song of the same playlist in the batch is no wrong answer.
            same = tf.cast(playlist[:, None] == playlist[None], tf.float32) - tf.eye(BATCH)
            logits -= 1e9 * tf.concat([same, tf.zeros((BATCH, DRAWN))], 1)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(tf.range(BATCH), logits)
            )
            size = tf.reduce_sum(into**2) + tf.reduce_sum(onto**2)
            total = loss + DECAY * (size + tf.reduce_sum(embedding**2) / 10)
        gradients = tape.gradient(total, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    n = len(space.track_ids)
    for epoch in range(EPOCHS):
        losses = []
        for _ in range(STEPS):
            chosen = rng.integers(0, len(lists), BATCH)
            songs = np.array([rng.choice(lists[at], N_LIKES + 1, replace=False) for at in chosen])
            drawn = rng.integers(0, n, DRAWN)
            batch = (songs[:, :-1], songs[:, -1], drawn, chosen)
            losses.append(float(step(*map(tf.constant, batch))))
        on_progress(
            (epoch + 1) / EPOCHS,
            f"Learning from playlists, round {epoch + 1} of {EPOCHS}",
            {"epoch": epoch + 1, "loss": round(float(np.mean(losses)), 4)},
        )
    everything = np.arange(n)
    parts = np.array_split(everything, max(1, n // 65_536))
    found = np.concatenate([vectors(tf.constant(rows), False).numpy() for rows in parts])
    return Towers(found.astype(np.float32), float(tf.exp(scale)))


def _inputs(space: Space, lists: Sequence[Ints]) -> tuple[Floats, NDArray[np.int64], int]:
    """What is heard ``(n, columns)``, the number of each song's artist (0: in no playlist)."""
    statistics = statistics_of(space)
    columns = [space.matrix / statistics.scales]
    if statistics.popularity is not None:
        columns.append(statistics.popularity[:, None])
    artists = statistics.artists
    seen = np.unique(artists[np.concatenate(lists)])
    seen = seen[seen != 0]
    number = np.zeros(int(artists.max(initial=0)) + 1, dtype=np.int64)
    number[seen] = np.arange(1, len(seen) + 1)
    return np.hstack(columns).astype(np.float32), number[artists], len(seen)


def _validate(
    space: Space, towers: Towers, kept: Sequence[Ints], held: Sequence[Ints], seed: int
) -> dict[float, float]:
    """NDCG@10 on playlists that were kept out, for each share that the towers may have."""
    rng = np.random.default_rng(seed)
    likes = [
        np.sort(rng.choice(rows, min(N_LIKES, len(rows) // 2), replace=False)) for rows in held
    ]
    prior = taste_prior.fit_prior(space, kept, seed=seed).to_json()
    method = TasteMethod(playlists=True)

    def score(share: float) -> float:
        told = {**prior, "two_tower": {"weight": share * towers.scale}}
        known = replace(space, taste_prior=told, track_factors=towers.vectors)
        return float(np.mean([_ndcg(known, method, *one) for one in zip(held, likes, strict=True)]))

    return {share: score(share) for share in SHARES}


def _ndcg(space: Space, method: TasteMethod, rows: Ints, likes: Ints) -> float:
    query = Query(space, likes, np.empty(0, dtype=np.int64))
    found, _ = method.search(query, 10)
    rest = np.setdiff1d(space.song_keys[rows], space.song_keys[likes])
    right = np.isin(space.song_keys[found], rest)
    discounts = 1 / np.log2(np.arange(2, 12))
    best = discounts[: min(len(rest), 10)].sum()
    return float(discounts[: len(right)][right].sum() / best) if best else 0.0
