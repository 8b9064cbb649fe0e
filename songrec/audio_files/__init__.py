"""Audio files: scan folders, decode, resample, read and write tags."""
