"""Import catalogue files and find duplicate tracks."""
