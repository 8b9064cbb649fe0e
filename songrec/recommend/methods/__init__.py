"""Recommendation methods, one per file; listed in ``songrec.recommend.registry``."""
