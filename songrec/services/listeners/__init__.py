"""Import and export of a listener's likes and playlists."""
