"""Feature sets from audio, one file each, all fed by one short-time Fourier transform."""
