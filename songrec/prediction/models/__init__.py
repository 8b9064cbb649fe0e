"""The base models: each builds a scikit-learn pipeline for numbers and one for classes."""
