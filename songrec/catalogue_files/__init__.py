"""Catalogue files: CSV and Parquet to track records, and rejects with reasons."""
