"""From a latent to two dimensions: one file each, and a registry."""
