"""The registered representations. Adding one is a file beside this one and an entry here."""

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
        defines_loss=True,
    ),
    Parameter(
        "kl_warmup_epochs", "int", 5, "Warm-up", "Epochs in which beta grows from 0.", 0, 10_000,
        aliases=("warm_up",),
    ),
    Parameter("epochs", "int", 30, "Epochs", "How often it sees every track.", 1, 10_000),
    Parameter("batch_size", "int", 64, "Batch size", "Tracks per step.", 1, 65_536),
    Parameter("learning_rate", "float", 1e-3, "Learning rate", "Adam's step.", 1e-7, 1.0),
    Parameter(
        "validation_share", "float", 0.1, "Validation share",
        "Part of the tracks held out to measure the validation loss.", 0.0, 0.9,
    ),
)  # fmt: skip

_CONVOLUTIONAL = (
    Parameter(
        "latent", "int", 16, "Latent dimensions", "Gaussians that describe a track.", 1, 1024
    ),
    Parameter(
        "bands", "int", 64, "Bands", "Mel bands that the pictures are pooled to.", 8, 512,
        defines_loss=True,
    ),
    Parameter(
        "frames", "int", 128, "Frames", "Moments that the pictures are pooled to.", 8, 4096,
        defines_loss=True,
    ),
    Parameter(
        "filters", "int", 16, "Filters",
        "Of the first convolution; the second has twice, the third four times as many.", 1, 256,
    ),
    Parameter(
        "units", "int", 128, "Units", "Of the dense layer between pictures and latent.", 1, 4096
    ),
    Parameter(
        "beta", "float", 1.0, "Beta",
        "Weight of the divergence from the prior: more gives a simpler latent, less a truer one.",
        0.0, 1000.0,
        defines_loss=True,
    ),
    Parameter(
        "kl_warmup_epochs", "int", 5, "Warm-up", "Epochs in which beta grows from 0.", 0, 10_000,
        aliases=("warm_up",),
    ),
    Parameter("epochs", "int", 30, "Epochs", "How often it sees every track.", 1, 10_000),
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
                    "epochs", "int", 40, "Epochs", "How often it sees every track.", 1, 10_000
                ),
                Parameter(
                    "batch_size", "int", 128, "Batch size", "Tracks per step.", 1, 65_536
                ),
                Parameter(
                    "learning_rate", "float", 2e-3, "Learning rate",
                    "Adam's first step; it falls to 0 along a cosine.", 1e-7, 1.0,
                ),
                Parameter(
                    "validation_share", "float", 0.1, "Validation share",
                    "Part of the tracks held out to measure the validation loss.", 0.0, 0.9,
                ),
                Parameter(
                    "init", "choice", "pca", "First weights",
                    "pca: those of the principal components, so that seeds agree; random: each "
                    "seed ends in a latent of its own.",
                    choices=("pca", "random"),
                ),
                Parameter(
                    "n_init", "int", 3, "Starts",
                    "Number of trainings, of which the one with the least validation loss is kept. "
                    "The time grows with it.",
                    1, 100,
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
            suited_features=("mfcc", "attributes"),
        ),
        Entry(
            "cvae",
            "songrec.representation.cvae:CVAE",
            "Conditional variational autoencoder",
            "A variational autoencoder that is told each track's label: the latent is what the "
            "label leaves open, and tracks of a label can be made up.",
            (
                Parameter(
                    "condition", "choice", "genre", "Label", "The kind of label it is told.",
                    choices=("genre", "emotion", "language"),
                    defines_loss=True,
                ),
                Parameter(
                    "max_labels", "int", 20, "Labels",
                    "The commonest have a class of their own; the others share one.", 1, 1000,
                    aliases=("most_labels",),
                    defines_loss=True,
                ),
                *_VARIATIONAL,
            ),
            abilities=("decode",),
            required_inputs=("labels",),
        ),
        Entry(
            "vade",
            "songrec.representation.vade:VaDE",
            "VaDE",
            "A variational autoencoder whose prior is a mixture of Gaussians: it learns latent and "
            "clusters together.",
            (
                Parameter(
                    "n_clusters", "int", 10, "Clusters", "Gaussians of the mixture.", 1, 200,
                    aliases=("clusters",),
                    defines_loss=True,
                ),
                *_VARIATIONAL[:2],
                Parameter(
                    "beta", "float", 0.1, "Beta",
                    "Weight of the divergence from the mixture: with more of it clusters fall "
                    "together and fewer are left.",
                    0.0, 100.0,
                    defines_loss=True,
                ),
                Parameter(
                    "kl_warmup_epochs", "int", 0, "Warm-up",
                    "Epochs in which beta grows from 0, after the pretraining.", 0, 10_000,
                    aliases=("warm_up",),
                ),
                Parameter(
                    "pretraining_epochs", "int", 20, "Pretraining",
                    "Epochs without the mixture, before it is fitted to the latent.", 0, 10_000,
                    aliases=("pretraining",),
                ),
                *_VARIATIONAL[4:],
                Parameter(
                    "joint_learning_rate", "float", 1e-4, "Joint learning rate",
                    "Adam's step once the mixture is there: with a larger one clusters that "
                    "overlap fall together.",
                    1e-7, 1.0, aliases=("joint_rate",),
                ),
                Parameter(
                    "learning_rate_decay", "float", 0.95, "Decay",
                    "What the joint learning rate is multiplied by after every epoch.", 0.01, 1.0,
                    aliases=("decay",),
                ),
            ),
            abilities=("assign", "decode"),
        ),
        Entry(
            "conv_vae",
            "songrec.representation.conv_vae:ConvVAE",
            "Convolutional VAE",
            "Looks at the spectrogram itself, as a picture, and keeps a cloud for each track; "
            "learns from the feature set melspectrogram.",
            (
                *_CONVOLUTIONAL,
                Parameter("batch_size", "int", 16, "Batch size", "Tracks per step.", 1, 4096),
            ),
            abilities=("decode",),
            required_inputs=("spectrograms",),
            suited_features=("melspectrogram",),
        ),
        Entry(
            "hybrid_conv_vae",
            "songrec.representation.hybrid_conv_vae:HybridConvVAE",
            "Sound and words",
            "The convolutional VAE with a second branch for lyrics: sound and words meet in one "
            "latent, so that either finds the other.",
            (
                *_CONVOLUTIONAL,
                Parameter("batch_size", "int", 32, "Batch size", "Tracks per step.", 1, 4096),
                Parameter(
                    "text", "choice", "tfidf", "Text branch",
                    "tfidf: hashed words on their main directions; sentences: a transformer in "
                    "models/sentences of the instance, which needs requirements/embeddings.txt.",
                    choices=("tfidf", "sentences"),
                    defines_loss=True,
                ),
                Parameter(
                    "text_size", "int", 64, "Text dimensions", "Of tfidf's directions.", 1, 1024,
                    defines_loss=True,
                ),
                Parameter(
                    "text_weight", "float", 10.0, "Weight of the text",
                    "What restoring the text counts beside restoring the sound.", 0.0, 10_000.0,
                    defines_loss=True,
                ),
                Parameter(
                    "alignment_weight", "float", 100.0, "Alignment",
                    "What it counts that a song's words lie where its sound lies.", 0.0, 100_000.0,
                    aliases=("alignment",),
                    defines_loss=True,
                ),
                Parameter(
                    "modality_dropout", "float", 0.5, "Left out",
                    "How often a song with both is encoded from its sound or its words alone.",
                    0.0, 1.0, aliases=("dropped",),
                    defines_loss=True,
                ),
            ),
            abilities=("decode",),
            required_inputs=("spectrograms", "texts"),
            suited_features=("melspectrogram",),
        ),
    ),
)  # fmt: skip
