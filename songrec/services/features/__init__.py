"""Feature sets of the library, the settings of a run, waveforms and covers."""
