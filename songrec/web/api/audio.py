"""The door for uploaded songs."""
