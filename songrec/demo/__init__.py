"""Demo catalogue and clips: invented songs whose attributes are distributed like real ones."""
