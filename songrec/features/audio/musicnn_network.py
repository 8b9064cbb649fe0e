"""MusiCNN, the published tagging network, in numpy with the published weights.

Source: Jordi Pons and Xavier Serra, "musicnn: pre-trained convolutional neural networks for music
audio tagging", ISMIR late-breaking demo, 2019; the architecture is that of Pons et al., "End-to-end
learning for music audio tagging at scale", ISMIR 2018. What the papers leave open (padding, the
order of convolution, activation and normalisation, how pools are interleaved) follows from the
shapes in the checkpoint; the tests compare every layer with the published graph.

Shapes, for ``b`` patches of 187 frames (3 s) by 96 mel bands:

====================  ================  ==========================================================
layer                 output            what it is
====================  ================  ==========================================================
``input_norm``        (b, 187, 96, 1)   batch normalisation of the log-mel patch
``timbral_38``        (b, 187, 204)     7 × 38 filters (0.4 of the bands), maximum over frequency
``timbral_67``        (b, 187, 204)     7 × 67 filters (0.7 of the bands), maximum over frequency
``temporal_128``      (b, 187, 51)      128 × 1 filters, maximum over frequency; also _64 and _32
``front``             (b, 187, 561)     the five above, side by side
``middle_1``          (b, 187, 64)      1-D convolution of 7 frames
``middle_2``, ``_3``  (b, 187, 64)      the same with a residual connection each
``concatenation``     (b, 187, 753)     ``front``, ``middle_1``, ``middle_2``, ``middle_3``
``max_pool``          (b, 753)          maximum of ``concatenation`` over time
``mean_pool``         (b, 753)          mean of ``concatenation`` over time
``penultimate``       (b, 200)          dense, rectified, normalised
``tags``              (b, 50)           sigmoid: each tag's probability on its own
====================  ================  ==========================================================

Nearly all of the arithmetic is in the timbral filters. Two things make them cheap:

* They see 7 frames, and a patch is padded with zeros only at its ends. So patches that overlap
  share all but the three values at either end, which are computed for each patch.
* Along frequency they correlate 96 bands with 38 or 67 weights. The product of spectra does that
  with fewer multiplications, and as the places of the maximum are few (59 and 30), a product with
  a matrix that gives these alone is cheaper than an inverse FFT.

A maximum of a rectified, normalised convolution is that of the convolution, rectified and
normalised; filters whose normalisation has a negative scale are turned, since they take the
minimum.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Floats, Ints
from songrec.features.audio.tensor_bundle import read_float_tensors

FRAMES, BANDS, TAG_COUNT = 187, 96, 50
EMBEDDING = 753
PREFIX = "model"
"""A network's checkpoint: ``<folder>/model.index`` and ``model.data-00000-of-00001``."""
EPSILON = 1e-3
"""Added to a variance where activations are normalised."""
TIMBRAL, TEMPORAL, MIDDLE = ("timbral_38", "timbral_67"), (128, 64, 32), 3
WIDTH = 7
"""Frames that a timbral filter and one of the middle see."""
EDGE = WIDTH // 2
FRAMES_AT_ONCE = 8
"""Frames whose timbral products stay in a processor's cache."""
BLOCK = 8
"""Frames whose temporal products are computed at once."""

# Variables of the checkpoint are numbered in the order in which the layers were created.
_SHAPES: dict[str, tuple[int, ...]] = {
    **{
        f"{_scope}/kernel": _shape
        for _scope, _shape in (
            ("conv2d", (WIDTH, 38, 1, 204)),
            ("conv2d_1", (WIDTH, 67, 1, 204)),
            ("conv2d_2", (128, 1, 1, 51)),
            ("conv2d_3", (64, 1, 1, 51)),
            ("conv2d_4", (32, 1, 1, 51)),
            ("conv2d_5", (WIDTH, 561, 1, 64)),
            ("conv2d_6", (WIDTH, 64, 1, 64)),
            ("conv2d_7", (WIDTH, 64, 1, 64)),
            ("dense", (2 * EMBEDDING, 200)),
            ("dense_1", (200, TAG_COUNT)),
        )
    },
    **{
        f"batch_normalization{f'_{_number}' if _number else ''}/{_part}": (_size,)
        for _number, _size in enumerate((1, 204, 204, 51, 51, 51, 64, 64, 64, 2 * EMBEDDING, 200))
        for _part in ("gamma", "beta", "moving_mean", "moving_variance")
    },
}
SHAPES: dict[str, tuple[int, ...]] = _SHAPES | {
    f"{_name.partition('/')[0]}/bias": _shape[-1:]
    for _name, _shape in _SHAPES.items()
    if _name.endswith("/kernel")
}
"""Shapes of the variables that a checkpoint holds, by their names."""


@dataclass(frozen=True)
class Affine:
    """A scale and an offset per channel: a normalisation as it is after training."""

    scale: Floats
    offset: Floats

    def __call__(self, values: Floats) -> Floats:
        """Apply it to the last axis."""
        return values * self.scale + self.offset


@dataclass(frozen=True)
class Filters:
    """A convolution whose maximum is taken before its rectifier and normalisation."""

    kernel: Floats
    bias: Floats
    signs: Floats
    normalise: Affine

    @classmethod
    def read(cls, variables: Mapping[str, Floats], number: int) -> Filters:
        """Read the convolution ``number`` and its normalisation."""
        scope = _scope("conv2d", number)
        normalise = _normalisation(variables, number + 1)
        signs = np.where(normalise.scale < 0, -1, 1).astype(np.float32)
        kernel = variables[f"{scope}/kernel"][:, :, 0, :] * signs
        return cls(kernel, variables[f"{scope}/bias"], signs, normalise)

    def finish(self, values: Floats) -> Floats:
        """Turn maxima of products with ``kernel`` into activations."""
        return self.normalise(np.maximum(values * self.signs + self.bias, 0))


class TimbralFilters:
    """Filters over 7 frames and a part of the bands; maximum over their places in frequency."""

    def __init__(self, filters: Filters) -> None:
        self.filters = filters
        places = BANDS - filters.kernel.shape[1] + 1
        numbers = np.arange(BANDS // 2 + 1)
        angles = 2 * np.pi * numbers / BANDS
        # Turned so that places are counted from the middle one, between two if their number is
        # even: what lies as far to either side then has the same cosines and opposite sines.
        turn = np.exp(1j * angles * (places - 1) / 2)[:, None]
        spectra = np.fft.rfft(filters.kernel.astype(np.float64), BANDS, axis=1).conj() * turn
        real, imaginary = spectra.real.transpose(1, 0, 2), spectra.imag.transpose(1, 0, 2)
        products = np.stack(
            [
                np.concatenate([real, -imaginary], axis=1),
                np.concatenate([imaginary, real], axis=1),
            ]
        )
        self.products = np.ascontiguousarray(products, dtype=np.float32)
        """``(2, 49, 14, filters)``: from 7 frames' real and imaginary parts to a product's."""
        distances = (places - 1) / 2 - np.arange((places + 1) // 2)
        counts = np.where((numbers == 0) | (numbers == BANDS // 2), 1, 2) / BANDS
        inverse = np.outer(distances, angles)
        self.cosines = (np.cos(inverse) * counts).astype(np.float32)
        self.sines = (np.sin(inverse) * counts).astype(np.float32)
        """``(places / 2, 49)``: the inverse transform, at the places of the filter alone."""

    def maxima(self, parts: Floats) -> Floats:
        """Return ``(frames, filters)`` from the parts of spectra ``(49, frames, 14)``."""
        count = self.products.shape[-1]
        real, imaginary = np.matmul(parts, self.products).reshape(2, len(parts), -1)
        # The larger of two places is their even part and the absolute value of their odd one.
        values = self.sines @ imaginary
        np.abs(values, out=values)
        values += self.cosines @ real
        return values.max(axis=0).reshape(-1, count)


class TemporalFilters:
    """Filters of one band and many frames, padded to the same length; maximum over the bands."""

    def __init__(self, filters: Filters) -> None:
        self.filters = filters
        self.length, _, count = filters.kernel.shape
        self.before = (self.length - 1) // 2
        products = np.zeros((self.length + BLOCK - 1, BLOCK, count), dtype=np.float32)
        for at in range(BLOCK):
            products[at : at + self.length, at] = filters.kernel[:, 0]
        self.products = products.reshape(len(products), -1)
        """``(length + 7, 8 filters)``: from what 8 frames see to their products."""

    def layers(self, image: Floats, starts: Ints) -> Floats:
        """Return the layer of each patch, ``(b, 187, filters)``."""
        # A band is a row, so that what filters see lies beside each other in memory.
        bands = np.ascontiguousarray(image.T)
        patches: defaultdict[int, list[int]] = defaultdict(list)
        for at, start in enumerate(starts.tolist()):
            for block in range(start // BLOCK, -(-(start + FRAMES) // BLOCK)):
                patches[block].append(at)
        count = self.products.shape[1] // BLOCK
        layers = np.empty((len(starts), FRAMES, count), dtype=np.float32)
        for block, users in patches.items():
            values = self._block(bands, block, starts[users].tolist())
            for at, maxima in zip(users, values, strict=True):
                first = block * BLOCK - int(starts[at])
                low, high = max(0, first), min(FRAMES, first + BLOCK)
                layers[at, low:high] = maxima[low - first : high - first]
        return self.filters.finish(layers)

    def _block(self, bands: Floats, block: int, starts: list[int]) -> Iterator[Floats]:
        """Yield the maxima of 8 frames in each of the patches, ``(8, filters)``."""
        first = block * BLOCK - self.before
        begin, end = max(0, first), min(first + len(self.products), bands.shape[1])

        def products(low: int, high: int) -> Floats:
            return bands[:, low:high] @ self.products[low - first : high - first]

        # What of the block's frames each patch has, and what is outside of it on one side.
        inside = [(max(begin, start), min(end, start + FRAMES)) for start in starts]
        outside = [(begin, low) if low > begin else (high, end) for low, high in inside]
        # Patches that overlap share all that the block sees, less what is outside of them.
        lengths = [sum(high - low for low, high in set(parts)) for parts in (inside, outside)]
        everything = products(begin, end) if end - begin + lengths[1] < lengths[0] else None
        done: dict[tuple[int, int], Floats] = {}
        for part, rest in zip(inside, outside, strict=True):
            if part not in done:
                if everything is None:
                    values = products(*part)
                else:
                    values = everything - products(*rest) if rest[0] < rest[1] else everything
                done[part] = values.max(axis=0).reshape(BLOCK, -1)
            yield done[part]


class Network:
    """The network with the weights in ``variables``, named and shaped as ``SHAPES`` says."""

    def __init__(self, variables: Mapping[str, Floats]) -> None:
        self.input_norm = _normalisation(variables, 0)
        filters = [Filters.read(variables, number) for number in range(8)]
        self.timbral = [TimbralFilters(one) for one in filters[:2]]
        self.temporal = [TemporalFilters(one) for one in filters[2:5]]
        self.middle = filters[5:]
        # The products with all 7 frames of a filter side by side.
        self.middle_kernels = [
            np.ascontiguousarray(one.kernel.transpose(1, 0, 2)).reshape(one.kernel.shape[1], -1)
            for one in self.middle
        ]
        self.pool_norm = _normalisation(variables, 9)
        self.hidden_norm = _normalisation(variables, 10)
        self.hidden = variables["dense/kernel"], variables["dense/bias"]
        self.tags = variables["dense_1/kernel"], variables["dense_1/bias"]

    def run(self, spectrogram: Floats, starts: Ints) -> dict[str, Floats]:
        """Return ``max_pool``, ``mean_pool`` and ``tags`` of patches.

        Parameters
        ----------
        spectrogram
            Log-mel spectrogram, float32 ``(frames, 96)``.
        starts
            The first frame of each patch, ``(b,)``.
        """
        outputs = [
            {name: layers[name] for name in ("max_pool", "mean_pool", "tags")}
            for layers in self.layers(spectrogram, starts)
        ]
        return {name: np.stack([one[name] for one in outputs]) for name in outputs[0]}

    def layers(self, spectrogram: Floats, starts: Ints) -> Iterator[dict[str, Floats]]:
        """Yield all layers of each patch, by name; see the module for their shapes."""
        image = self.input_norm(spectrogram)
        layers = self._timbral(image, starts)
        for length, filters in zip(TEMPORAL, self.temporal, strict=True):
            layers[f"temporal_{length}"] = filters.layers(image, starts)
        for at in range(len(starts)):
            yield self._upper_layers({name: values[at] for name, values in layers.items()})

    def _timbral(self, image: Floats, starts: Ints) -> dict[str, Floats]:
        """Return the timbral layers, ``(b, 187, 204)`` each; see the module."""
        # Windows of 7 frames: those within patches, each once, then those over patches' ends.
        inner = starts[:, None] + np.arange(FRAMES - 2 * EDGE)
        windows, where = np.unique(inner, return_inverse=True)
        empty = np.zeros((len(starts), EDGE, BANDS), dtype=np.float32)
        first = image[starts[:, None] + np.arange(WIDTH - 1)]
        last = image[starts[:, None] + np.arange(FRAMES - WIDTH + 1, FRAMES)]
        edges = np.concatenate([empty, first, last, empty], axis=1)
        after = len(image) + len(edges[0]) * np.arange(len(starts))
        steps = np.array([*range(EDGE), *range(WIDTH - 1 + EDGE, WIDTH - 1 + 2 * EDGE)])
        every = np.concatenate([windows, (after[:, None] + steps).ravel()])
        spectra = np.fft.rfft(np.concatenate([image, edges.reshape(-1, BANDS)]), axis=1)
        parts = np.stack([spectra.real.T, spectra.imag.T]).astype(np.float32)

        maxima = [
            np.empty((len(every), len(one.filters.bias)), dtype=np.float32) for one in self.timbral
        ]
        for at in range(0, len(every), FRAMES_AT_ONCE):
            frames = every[at : at + FRAMES_AT_ONCE, None] + np.arange(WIDTH)
            seen = np.concatenate([parts[0][:, frames], parts[1][:, frames]], axis=2)
            for values, one in zip(maxima, self.timbral, strict=True):
                values[at : at + FRAMES_AT_ONCE] = one.maxima(seen)
        layers = {}
        for name, values, one in zip(TIMBRAL, maxima, self.timbral, strict=True):
            values = one.filters.finish(values)
            ends = values[len(windows) :].reshape(len(starts), 2 * EDGE, -1)
            within = values[where.reshape(inner.shape)]
            layers[name] = np.concatenate([ends[:, :EDGE], within, ends[:, EDGE:]], axis=1)
        return layers

    def _upper_layers(self, layers: dict[str, Floats]) -> dict[str, Floats]:
        """Add the layers above the filters of one patch."""
        below = layers["front"] = np.concatenate(list(layers.values()), axis=1)
        middle = zip(self.middle, self.middle_kernels, strict=True)
        for number, (filters, kernel) in enumerate(middle, start=1):
            products = (below @ kernel).reshape(FRAMES, WIDTH, -1)
            values = np.zeros((FRAMES + WIDTH - 1, products.shape[-1]), dtype=np.float32)
            for frame in range(WIDTH):  # each adds to the values of those around it
                values[WIDTH - 1 - frame :][:FRAMES] += products[:, frame]
            above = filters.finish(values[EDGE : EDGE + FRAMES])
            below = layers[f"middle_{number}"] = above if number == 1 else above + below
        parts = [layers["front"], *(layers[f"middle_{n}"] for n in range(1, MIDDLE + 1))]
        everything = layers["concatenation"] = np.concatenate(parts, axis=1)
        highest = layers["max_pool"] = everything.max(axis=0)
        mean = layers["mean_pool"] = everything.mean(axis=0)
        # Interleaved: maximum and mean of the first channel, of the second, and so on.
        pooled = self.pool_norm(np.stack([highest, mean], axis=-1).reshape(-1))
        kernel, bias = self.hidden
        hidden = layers["penultimate"] = self.hidden_norm(np.maximum(pooled @ kernel + bias, 0))
        kernel, bias = self.tags
        layers["tags"] = 1 / (1 + np.exp(-(hidden @ kernel + bias)))
        return layers


def _scope(kind: str, number: int) -> str:
    return f"{kind}_{number}" if number else kind


def _normalisation(variables: Mapping[str, Floats], number: int) -> Affine:
    scope = _scope("batch_normalization", number)
    gamma, beta, mean, variance = (
        variables[f"{scope}/{part}"].astype(np.float64)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + EPSILON)
    return Affine(scale.astype(np.float32), (beta - mean * scale).astype(np.float32))


def load_weights(folder: Path) -> dict[str, Floats]:
    """Read the variables of the checkpoint in ``folder``.

    Raises ``NotReady`` if there is no checkpoint and ``BadInput`` if it is not one of MusiCNN.
    """
    # The folder may also hold the authors' file named "checkpoint", with a path on their
    # machine, so the prefix of the files is given.
    if not (folder / f"{PREFIX}.index").is_file():
        raise NotReady(
            f"MusiCNN's weights are not in {folder}. Fetch them: flask models fetch musicnn"
        )
    try:
        values = read_float_tensors(folder / PREFIX)
    except (OSError, ValueError, IndexError) as error:
        raise BadInput(
            f"{folder} cannot be read ({error}). Fetch it again: flask models fetch musicnn"
        ) from error
    for name, shape in SHAPES.items():
        if name not in values:
            raise BadInput(f"{folder}: {name} is missing; this is no checkpoint of MusiCNN.")
        if values[name].shape != shape:
            raise BadInput(
                f"{folder}: {name} is {list(values[name].shape)}; MusiCNN's is {list(shape)}."
            )
    return {name: values[name] for name in SHAPES}


@functools.lru_cache(maxsize=4)
def network(folder: str) -> Network:
    """Load the network with the weights in ``folder``; once per process."""
    return Network(load_weights(Path(folder)))
