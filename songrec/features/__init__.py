"""From tracks to named float32 vectors."""
