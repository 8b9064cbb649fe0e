"""Analysis of folders of audio files, and export of values to their tags."""
