"""Audio files, cached features, waveforms, segments and uploads."""
