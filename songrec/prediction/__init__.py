"""Musical attributes predicted from audio features by stacking ensembles.

Light to import: scikit-learn, XGBoost and Optuna are loaded when something is trained or predicted.
"""

from songrec.prediction.registry import BASE_MODELS
from songrec.prediction.targets import GROUPS, TARGETS

__all__ = ["BASE_MODELS", "GROUPS", "TARGETS"]
