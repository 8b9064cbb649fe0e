"""Users, listeners, reactions, skips, playlists and API tokens."""
