"""Models that turn a feature table into a latent: one file each, and a registry."""
