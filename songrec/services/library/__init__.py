"""Analysis of folders of audio files and what is written back to them."""
