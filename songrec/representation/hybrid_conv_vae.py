"""The convolutional VAE with a second branch for lyrics: one latent for sound and words.

Sources: Wu & Goodman, "Multimodal Generative Models for Scalable Weakly-Supervised Learning",
NeurIPS 2018 (experts multiplied, so that an absent modality is one factor less, and modalities left
out in training); van den Oord et al., "Representation Learning with Contrastive Predictive Coding",
2018 (the loss that brings the two views of a song together, as in CLIP, Radford et al. 2021).

A row's loss in nats is, with x the picture, t the text's vector, both restored from the fused
latent:  ½ Σ (x − x̂)²  +  λ · ½ Σ (t − t̂)²  +  β · KL  +  a · InfoNCE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from songrec.core.backend import keras
from songrec.core.errors import BadInput, NotReady
from songrec.core.types import FeatureTable, Floats, Ints, Progress, Spectrograms, no_progress
from songrec.representation import conv_networks as networks
from songrec.representation import conv_training as training
from songrec.representation.conv_pooling import resized
from songrec.representation.conv_vae import ConvVAE
from songrec.representation.text_cache import TextCache
from songrec.representation.text_vectors import TextVectors
from songrec.representation.training_loop import hold_out, seed_everything
from songrec.representation.variational import divergence_from_standard

ops = keras.ops
TEMPERATURE = 0.1
FAR = -1e9


@dataclass(kw_only=True, eq=False, repr=False)
class HybridConvVAE(ConvVAE):
    """``ConvVAE`` whose latent is also read from, and restores, the lyrics.

    A track without lyrics is encoded from its sound alone. ``encode`` takes either alone, so that
    words find songs and songs find words: both land in the same latent.
    """

    required_inputs = ("spectrograms", "texts")
    NETWORKS = ("sound_encoder", "sound_decoder", "text_encoder", "text_decoder")

    text: str = "tfidf"
    text_size: int = 64
    text_weight: float = 10.0
    alignment_weight: float = 100.0
    modality_dropout: float = 0.5
    batch_size: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        self._cache: TextCache | None = None
        self._models: Path | None = None

    def use_folders(self, *, scratch: Path, cache: Path, models: Path) -> None:
        """As ``ConvVAE.use_folders``; vectors of texts are cached from now on."""
        super().use_folders(scratch=scratch, cache=cache, models=models)
        self._cache, self._models = TextCache(cache), models
        if hasattr(self, "vectors_"):
            self.vectors_.cache = self._cache

    def fit(
        self,
        table: FeatureTable,
        *,
        seed: int,
        on_progress: Progress = no_progress,
        spectrograms: Spectrograms,
        texts: Sequence[str | None],
    ) -> Self:
        """Train from fresh weights; as ``ConvVAE.fit``, with the parts ``text`` and ``alignment``.

        Of a song that has both, one is hidden in a share ``modality_dropout`` of the steps.
        """
        self._check_rows(table, spectrograms)
        seed_everything(seed)
        self.vectors_ = self._text_vectors().fit(texts, seed=seed)
        words, has_words = self._words(texts)
        pictures = self._pool(spectrograms, on_progress)
        try:
            self._build()
            learn, check = hold_out(len(pictures), self.validation_share, seed)

            def read(rows: Ints, random: np.random.Generator | None) -> training.Batch:
                return (
                    pictures.read(rows),
                    words[rows],
                    has_words[rows],
                    *self._seen(has_words[rows], random),
                )

            self._train(read, learn, check, seed, on_progress)
            self._measure(pictures, learn, check)
        finally:
            pictures.close()
        self.metrics_ |= {
            "text_dimensions": self.vectors_.size,
            "tracks_with_text": int(has_words.sum()),
        }
        return self

    def transform(
        self, table: FeatureTable, *, spectrograms: Spectrograms, texts: Sequence[str | None]
    ) -> Floats:
        """Return the fused posterior's mean, float32 ``(n, latent)``; of sound without lyrics."""
        self._check_rows(table, spectrograms)
        return self.encode(spectrograms=spectrograms, texts=texts)

    def encode(
        self,
        *,
        spectrograms: Spectrograms | None = None,
        texts: Sequence[str | None] | None = None,
    ) -> Floats:
        """Encode sounds, texts, or both into the shared latent, float32 ``(n, latent)``.

        A row of neither lies at 0, the prior's mean. Raises ``BadInput`` where nothing is given.
        """
        means, precisions = [], []
        if spectrograms is not None:
            mean, log_variance = map(np.concatenate, zip(*self._encoded(spectrograms), strict=True))
            means.append(mean)
            precisions.append(np.exp(-log_variance))
        if texts is not None:
            words, present = self._words(texts)
            mean, log_variance = self._posterior("text_encoder", words)
            means.append(ops.convert_to_numpy(mean))
            precisions.append(ops.convert_to_numpy(ops.exp(-log_variance)) * present[:, None])
        if not means:
            raise BadInput("There is neither sound nor text to encode.")
        if len({len(mean) for mean in means}) > 1:
            raise ValueError(f"{len(means[0])} sounds for {len(means[1])} texts")
        total = 1.0 + sum(precisions)
        fused = sum(m * precision for m, precision in zip(means, precisions, strict=True)) / total
        return np.asarray(fused, dtype=np.float32)

    def has_words(self, texts: Sequence[str | None]) -> Any:
        """Return which texts have a word that the model knows, bool ``(n,)``."""
        return self._words(texts)[1] > 0

    def reconstruct(
        self, table: FeatureTable, *, spectrograms: Spectrograms, texts: Sequence[str | None]
    ) -> Floats:
        """Restore the spectrograms from the fused latent, in decibels ``(n, bands, frames)``."""
        latent = self.transform(table, spectrograms=spectrograms, texts=texts)
        _, bands, frames = spectrograms.shape
        return resized(self.decode(latent), bands, frames)

    def _text_vectors(self) -> Any:
        if self.text == "tfidf":
            return TextVectors(self.text_size, self._cache)
        from songrec.representation.text_sentences import SentenceVectors

        if self._models is None:
            raise NotReady("Sentence embeddings need a folder of models: call use_folders first.")
        return SentenceVectors(self._models / "sentences", self._cache)

    def _words(self, texts: Sequence[str | None]) -> tuple[Floats, Floats]:
        """Return text vectors of about unit variance per column, and 1 where there is a text."""
        if not hasattr(self, "vectors_"):  # a loaded model of sentences
            self.vectors_ = self._text_vectors()
        vectors = self.vectors_.transform(texts)
        present = np.any(vectors, axis=1).astype(np.float32)
        return vectors * np.float32(np.sqrt(self.vectors_.size)), present

    def _seen(self, has_words: Floats, random: np.random.Generator | None) -> tuple[Floats, Floats]:
        """Return which modalities the encoders see of each row: at least one of them."""
        sound, words = np.ones_like(has_words), has_words.copy()
        if random is not None:
            one = (random.random(len(words)) < self.modality_dropout) & (has_words > 0)
            hide_sound = random.random(len(words)) < 0.5
            sound[one & hide_sound] = 0.0
            words[one & ~hide_sound] = 0.0
        return sound, words

    def _build(self) -> None:
        super()._build()
        size = (self.vectors_.size, self.units, self.latent)
        self.networks_["text_encoder"] = networks.vector_encoder(*size, "text_encoder")
        self.networks_["text_decoder"] = networks.vector_decoder(*size, "text_decoder")

    def _weights(self, epoch: int) -> dict[str, float]:
        own = {"text": self.text_weight, "alignment": self.alignment_weight}
        return {**super()._weights(epoch), **own}

    def _parts(self, batch: Any, noise: Any, counts: Any) -> dict[str, Any]:
        pictures, words, has_words, sees_sound, sees_words = batch
        sound = self._posterior("sound_encoder", pictures)
        text = self._posterior("text_encoder", words)
        mean, log_variance = fused(
            [sound, text], [ops.expand_dims(sees_sound, 1), ops.expand_dims(sees_words, 1)]
        )
        latent = mean + ops.exp(0.5 * log_variance) * noise
        restored = self.networks_["sound_decoder"](latent, training=True)
        decoded = self.networks_["text_decoder"](latent, training=True)
        return {
            "reconstruction": training.half_squared_error(pictures, restored),
            "kl": divergence_from_standard(mean, log_variance),
            "text": has_words * training.half_squared_error(words, decoded),
            "alignment": alignment(sound[0], text[0], has_words * counts),
        }

    def _arrays(self) -> dict[str, Any]:
        return {**super()._arrays(), **self.vectors_.arrays()}

    def _take_arrays(self, arrays: dict[str, Any]) -> None:
        super()._take_arrays(arrays)
        if self.text == "tfidf":
            self.vectors_ = TextVectors.from_arrays(arrays)


def fused(experts: list[tuple[Any, Any]], masks: list[Any]) -> tuple[Any, Any]:
    """Return mean and log-variance of the product of Gaussian experts and the prior N(0, 1).

    ``masks`` ``(n, 1)`` are 0 where an expert is left out: precisions add up, and the mean is
    the experts' means weighted by them.
    """
    precision, weighted = 1.0, 0.0
    for (mean, log_variance), mask in zip(experts, masks, strict=True):
        own = mask * ops.exp(-log_variance)
        precision = precision + own
        weighted = weighted + own * mean
    return weighted / precision, -ops.log(precision)


def alignment(sound: Any, text: Any, both: Any) -> Any:
    """Return InfoNCE per row: how surely words identify their sound in the batch, and vice versa.

    The mean of both directions, by cosine over ``TEMPERATURE``, among the rows where ``both`` is
    above 0; 0 for the others.
    """
    both = ops.cast(both > 0, "float32")
    similarities = ops.matmul(_unit(sound), ops.transpose(_unit(text))) / TEMPERATURE
    to_text = ops.log_softmax(similarities + FAR * (1.0 - both)[None, :], axis=1)
    to_sound = ops.log_softmax(similarities + FAR * (1.0 - both)[:, None], axis=0)
    return -0.5 * both * (ops.diagonal(to_text) + ops.diagonal(to_sound))


def _unit(vectors: Any) -> Any:
    return vectors / ops.sqrt(ops.sum(ops.square(vectors), axis=1, keepdims=True) + 1e-12)
