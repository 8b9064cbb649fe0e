"""Lists of songs: stations, paths, blends, moods and re-ranking."""
