"""Algorithms that group a latent: one file each, a registry, and scores."""
