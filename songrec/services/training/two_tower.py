"""Two-tower model trained on playlists: track factors in which songs of one playlist are close.

The song tower adds a content part (one hidden layer over the columns of the space and popularity)
and an artist embedding (of artists that occur in playlists). The listener tower is the mean of the
liked songs' vectors. Both are unit vectors. Training uses a sampled softmax: ten songs of a
playlist have to be closer to another song of it than to the other songs of the batch and to songs
drawn from the catalogue. The artist embedding is dropped at random, so that the content part
generalises to artists that occur in no playlist.

References
----------
Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations",
RecSys 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Ints, Progress, Space, no_progress, part_of
from songrec.recommend.methods.taste import TasteMethod
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste.prior import MIN_TRACKS, N_LIKES
from songrec.services.training.playlist_split import without_overlap

MIN_PLAYLISTS = 30
"""Fewer playlists are too few to train on and to validate with."""
DIMENSIONS, HIDDEN = 32, 64
EPOCHS, STEPS, BATCH, NEGATIVES = 40, 24, 256, 1024
LEARNING_RATE, DECAY, ARTIST_DROPOUT = 3e-3, 1e-4, 0.3
VALIDATION_SHARE = 0.2
"""Share of the playlists that the weight is selected on."""
SHARES = (0.0, 0.25, 0.5, 1.0)
"""Candidate weights, as shares of the towers' scale."""


@dataclass(frozen=True)
class Towers:
    """Trained towers.

    Attributes
    ----------
    vectors
        Unit vectors of the songs, float32 ``(n, 32)``.
    scale
        Factor from cosine to logit (the inverse temperature of the softmax).
    """

    vectors: Floats
    scale: float


@dataclass(frozen=True)
class FittedTowers:
    """Towers trained on all playlists, and those of a first training that left some out.

    Attributes
    ----------
    held_out
        The playlists on which ``first`` was not trained. If they were given separately, there is
        only one training.
    """

    final: Towers
    first: Towers
    held_out: tuple[Ints, ...]


def fit_track_factors(
    space: Space,
    playlists: Sequence[Ints],
    validation: Sequence[Ints] = (),
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> tuple[FittedTowers | None, dict[str, Any]]:
    """Train the towers and select the weight of their scores relative to the taste score.

    The share among ``SHARES`` with the best NDCG@10 on held-out playlists, with one like and with
    several, is selected. Without ``validation`` a first training leaves a
    fifth of the playlists out, and those that share over half of their songs with one of them; a
    second training uses all.

    Parameters
    ----------
    playlists
        Rows of ``space``, one array per playlist.
    validation
        Further playlists, to validate with.

    Returns
    -------
    towers
        None below ``MIN_PLAYLISTS``.
    summary
        ``{"weight", "playlists", "ndcg": {share: NDCG@10}}`` for the manifest; the weight is the
        selected share times the towers' scale.
    """
    lists = [np.unique(rows) for rows in playlists]
    lists = [rows for rows in lists if len(rows) >= MIN_TRACKS]
    if not lists or len(lists) + len(validation) < MIN_PLAYLISTS:
        return None, {"weight": 0.0, "playlists": len(lists)}
    training, held_out = lists, list(validation)
    if not held_out:
        order = np.random.default_rng(seed).permutation(len(lists))
        n_validation = max(5, round(VALIDATION_SHARE * len(lists)))
        held_out = [lists[at] for at in order[:n_validation]]
        training = without_overlap(space, [lists[at] for at in order[n_validation:]], held_out)
    first = train_towers(space, training, seed=seed, on_progress=part_of(on_progress, 0.0, 0.5))
    ndcg = _validate(space, first, training, held_out, seed)
    summary: dict[str, Any] = {
        "playlists": len(lists),
        "ndcg": {str(share): round(v, 4) for share, v in ndcg.items()},
    }
    best = max(ndcg, key=lambda share: ndcg[share])
    final = first
    if not validation:
        final = train_towers(space, lists, seed=seed, on_progress=part_of(on_progress, 0.5, 1.0))
    summary = {"weight": round(best * final.scale, 4), **summary}
    return FittedTowers(final, first, tuple(held_out)), summary


def train_towers(
    space: Space,
    lists: Sequence[Ints],
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> Towers:
    """Train the towers on ``lists``: distinct rows of ``space``, at least ``N_LIKES`` + 1 each."""
    from songrec.core.backend import keras, tf

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    content, artist_numbers, n_artists = _inputs(space, lists)
    inputs, artists = tf.constant(content), tf.constant(artist_numbers)
    normal = tf.random.normal
    embedding = tf.Variable(normal((n_artists + 1, DIMENSIONS), stddev=0.05))
    hidden_weights = tf.Variable(normal((content.shape[1], HIDDEN), stddev=0.25))
    hidden_bias = tf.Variable(tf.zeros(HIDDEN))
    output_weights = tf.Variable(normal((HIDDEN, DIMENSIONS), stddev=0.12))
    log_scale = tf.Variable(2.0)
    variables = [embedding, hidden_weights, hidden_bias, output_weights, log_scale]
    optimizer = keras.optimizers.Adam(LEARNING_RATE)

    def vectors(rows: Any, training: bool) -> Any:
        artist = tf.gather(artists, rows)
        mask = tf.cast(artist > 0, tf.float32)
        if training:
            mask *= tf.cast(tf.random.uniform(tf.shape(mask)) > ARTIST_DROPOUT, tf.float32)
        hidden = tf.nn.relu(tf.gather(inputs, rows) @ hidden_weights + hidden_bias)
        artist_part = tf.gather(embedding, artist) * mask[..., None]
        return tf.math.l2_normalize(hidden @ output_weights + artist_part, -1)

    @tf.function(reduce_retracing=True)
    def step(liked: Any, positives: Any, negatives: Any, playlist: Any) -> Any:
        with tf.GradientTape() as tape:
            listener = tf.math.l2_normalize(tf.reduce_mean(vectors(liked, True), axis=1), -1)
            candidates = vectors(tf.concat([positives, negatives], 0), True)
            logits = listener @ tf.transpose(candidates) * tf.exp(log_scale)
            # Another song of the same playlist in the batch is not a negative.
            same = tf.cast(playlist[:, None] == playlist[None], tf.float32) - tf.eye(BATCH)
            logits -= 1e9 * tf.concat([same, tf.zeros((BATCH, NEGATIVES))], 1)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(tf.range(BATCH), logits)
            )
            squares = tf.reduce_sum(hidden_weights**2) + tf.reduce_sum(output_weights**2)
            total = loss + DECAY * (squares + tf.reduce_sum(embedding**2) / 10)
        gradients = tape.gradient(total, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    n = len(space.track_ids)
    for epoch in range(EPOCHS):
        losses = []
        for _ in range(STEPS):
            chosen = rng.integers(0, len(lists), BATCH)
            songs = np.array([rng.choice(lists[at], N_LIKES + 1, replace=False) for at in chosen])
            negatives = rng.integers(0, n, NEGATIVES)
            batch = (songs[:, :-1], songs[:, -1], negatives, chosen)
            losses.append(float(step(*map(tf.constant, batch))))
        on_progress(
            (epoch + 1) / EPOCHS,
            f"Learning from playlists, epoch {epoch + 1} of {EPOCHS}",
            {"epoch": epoch + 1, "loss": round(float(np.mean(losses)), 4)},
        )
    slices = np.array_split(np.arange(n), max(1, n // 65_536))
    result = np.concatenate([vectors(tf.constant(rows), False).numpy() for rows in slices])
    return Towers(result.astype(np.float32), float(tf.exp(log_scale)))


def _inputs(space: Space, lists: Sequence[Ints]) -> tuple[Floats, NDArray[np.int64], int]:
    """Return content ``(n, columns)``, artist number of each song, and the number of artists.

    Artists that occur in no playlist have number 0.
    """
    statistics = statistics_of(space)
    columns = [space.matrix / statistics.scales]
    if statistics.popularity is not None:
        columns.append(statistics.popularity[:, None])
    artists = statistics.artists
    in_playlists = np.unique(artists[np.concatenate(lists)])
    in_playlists = in_playlists[in_playlists != 0]
    number = np.zeros(int(artists.max(initial=0)) + 1, dtype=np.int64)
    number[in_playlists] = np.arange(1, len(in_playlists) + 1)
    return np.hstack(columns).astype(np.float32), number[artists], len(in_playlists)


def _validate(
    space: Space,
    towers: Towers,
    training: Sequence[Ints],
    validation: Sequence[Ints],
    seed: int,
) -> dict[float, float]:
    """Return the mean NDCG@10 on the validation playlists for each of ``SHARES``.

    One song of each playlist is liked, then several.
    """
    rng = np.random.default_rng(seed)
    cases = [
        (rows, np.sort(rng.choice(rows, min(count, len(rows) // 2), replace=False)))
        for count in (1, N_LIKES)
        for rows in validation
    ]
    prior = taste_prior.fit_prior(space, training, seed=seed).to_json()
    method = TasteMethod(playlists=True)

    def score(share: float) -> float:
        model = {**prior, "two_tower": {"weight": share * towers.scale}}
        trained = replace(space, taste_prior=model, track_factors=towers.vectors)
        return float(np.mean([_ndcg(trained, method, *case) for case in cases]))

    return {share: score(share) for share in SHARES}


def _ndcg(space: Space, method: TasteMethod, rows: Ints, likes: Ints) -> float:
    query = Query(space, likes, np.empty(0, dtype=np.int64))
    recommended, _ = method.search(query, 10)
    held_out = np.setdiff1d(space.song_keys[rows], space.song_keys[likes])
    hits = np.isin(space.song_keys[recommended], held_out)
    discounts = 1 / np.log2(np.arange(2, 12))
    ideal = discounts[: min(len(held_out), 10)].sum()
    return float(discounts[: len(hits)][hits].sum() / ideal) if ideal else 0.0
