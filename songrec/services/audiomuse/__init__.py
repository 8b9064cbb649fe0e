"""What AudioMuse-AI's plugins ask for, in the ids of the server that they belong to."""
