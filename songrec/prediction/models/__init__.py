"""Base models: each builds a scikit-learn pipeline for regression and for classification."""
