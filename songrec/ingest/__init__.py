"""Catalogue files to track records and rejects with reasons."""
