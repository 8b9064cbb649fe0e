"""Which representations there are. Adding one is a file beside this one and an entry here."""

from __future__ import annotations

from songrec.core.registry import Entry, Parameter, Registry

_VARIATIONAL = (
    Parameter(
        "hidden", "ints", (64, 32), "Hidden units",
        "Units of the layers before the latent; mirrored after it: 64,32.", 1, 4096,
    ),
    Parameter(
        "latent", "int", 6, "Latent dimensions", "Gaussians that describe a track.", 1, 1024
    ),
    Parameter(
        "beta", "float", 0.3, "Beta",
        "Weight of the divergence from the prior: more gives a simpler latent, less a truer one.",
        0.0, 100.0,
    ),
    Parameter(
        "warm_up", "int", 5, "Warm-up", "Epochs in which beta grows from 0.", 0, 10_000
    ),
    Parameter("epochs", "int", 30, "Epochs", "How often it sees every track.", 1, 10_000),
    Parameter("batch_size", "int", 64, "Batch size", "Tracks per step.", 1, 65_536),
    Parameter("learning_rate", "float", 1e-3, "Learning rate", "Adam's step.", 1e-7, 1.0),
    Parameter(
        "validation_share", "float", 0.1, "Validation share",
        "Part of the tracks held out to measure the validation loss.", 0.0, 0.9,
    ),
)  # fmt: skip

REPRESENTATIONS = Registry(
    "representation",
    (
        Entry(
            "autoencoder",
            "songrec.representation.autoencoder:Autoencoder",
            "Autoencoder",
            "A neural network that squeezes the attributes through a narrow middle and restores "
            "them; the middle is the latent.",
            (
                Parameter(
                    "hidden", "ints", (12,), "Hidden units",
                    "Units of the layers before the latent; mirrored after it: 64,32.", 1, 4096,
                ),
                Parameter(
                    "latent", "int", 6, "Latent dimensions", "Width of the middle layer.", 1, 1024
                ),
                Parameter(
                    "epochs", "int", 20, "Epochs", "How often it sees every track.", 1, 10_000
                ),
                Parameter(
                    "batch_size", "int", 32, "Batch size", "Tracks per step.", 1, 65_536
                ),
                Parameter(
                    "learning_rate", "float", 1e-3, "Learning rate", "Adam's step.", 1e-7, 1.0
                ),
                Parameter(
                    "validation_share", "float", 0.1, "Validation share",
                    "Part of the tracks held out to measure the validation loss.", 0.0, 0.9,
                ),
            ),
        ),
        Entry(
            "pca",
            "songrec.representation.pca:PCA",
            "Principal components",
            "The directions in which the tracks differ most; the linear yardstick.",
            (
                Parameter(
                    "latent", "int", 6, "Latent dimensions", "Components to keep.", 1, 1024
                ),
            ),
        ),
        Entry(
            "identity",
            "songrec.representation.identity:Identity",
            "Attributes as they are",
            "The standardised attributes themselves: what every model has to beat.",
        ),
        Entry(
            "vae",
            "songrec.representation.vae:VAE",
            "Variational autoencoder",
            "An autoencoder whose latent is a cloud for each track, kept near a standard normal: "
            "smooth, and made to be moved about in.",
            _VARIATIONAL,
            abilities=("decode",),
        ),
    ),
)  # fmt: skip
