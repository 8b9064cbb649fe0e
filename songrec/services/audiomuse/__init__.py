"""Answers to AudioMuse-AI's plugins, in the ids of the plugin's own music server."""
