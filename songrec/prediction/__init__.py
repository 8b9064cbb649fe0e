"""Prediction of musical attributes from audio features by stacked ensembles.

Light to import: scikit-learn, XGBoost and Optuna are loaded when something is trained or predicted.
"""

from songrec.prediction.registry import BASE_MODELS
from songrec.prediction.targets import GROUPS, TARGETS

__all__ = ["BASE_MODELS", "GROUPS", "TARGETS"]
