"""Audio feature sets, one file each, which share one short-time Fourier transform."""
