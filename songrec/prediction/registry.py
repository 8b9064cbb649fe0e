"""Registry of base models; adding one is a class and an entry here.

The bounds of the parameters are the search space. Parameters named in
``LOGARITHMIC`` are searched on a log scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from songrec.core.registry import Entry, Parameter, Registry

DEFAULT_TRIALS = 10
"""Default number of parameter sets tried per base model and ensemble."""

LOGARITHMIC = frozenset({"strength", "penalty", "epsilon", "learning_rate", "gamma"})

TWIN = ":"
"""Between a model's name and the components of its twin in an ensemble: ``svm:all``."""

_COMPONENTS = Parameter(
    "components",
    "choice",
    "50",
    "Principal components",
    "Behind how many principal components the model stands; 'all' leaves the features as they are.",
    choices=("50", "all"),
)
_TREE_COMPONENTS = Parameter(
    "components", "choice", "all", "Principal components", _COMPONENTS.help, choices=("50", "all")
)
_SCALING = Parameter(
    "scaling",
    "choice",
    "standard",
    "Scaling",
    "Features in standard deviations, or as normal scores of their ranks.",
    choices=("standard", "quantile"),
)
_TREES = Parameter("trees", "int", 200, "Trees", "How many trees.", 50, 400)
_LEAF = Parameter("leaf", "int", 3, "Leaf size", "Fewest tracks in a leaf.", 2, 12)
_SHARE = Parameter(
    "share", "float", 0.35, "Feature share", "Part of the features a split chooses from.", 0.05, 1.0
)

BASE_MODELS = Registry(
    "base model",
    (
        Entry(
            "random_forest",
            "songrec.prediction.models.trees:RandomForest",
            "Random forest",
            "Trees on resampled tracks, averaged.",
            (_TREE_COMPONENTS, _TREES, _LEAF, _SHARE),
        ),
        Entry(
            "extra_trees",
            "songrec.prediction.models.trees:ExtraTrees",
            "Extra trees",
            "Trees with random thresholds, averaged: smoother than a random forest.",
            (_TREE_COMPONENTS, _TREES, _LEAF, _SHARE),
        ),
        Entry(
            "xgboost",
            "songrec.prediction.models.trees:XGBoost",
            "XGBoost",
            "Small trees, each correcting the ones before it.",
            (
                _TREE_COMPONENTS,
                Parameter("rounds", "int", 150, "Rounds", "How many trees.", 40, 400),
                Parameter("depth", "int", 3, "Depth", "Depth of a tree.", 1, 6),
                Parameter(
                    "learning_rate", "float", 0.05, "Learning rate", "Step of a tree.", 0.01, 0.3
                ),
                Parameter(
                    "penalty", "float", 3.0, "Penalty", "L2 penalty on the leaves.", 0.1, 100.0
                ),
                Parameter(
                    "share",
                    "float",
                    0.5,
                    "Feature share",
                    "Part of the features per tree.",
                    0.1,
                    1.0,
                ),
            ),
        ),
        Entry(
            "svm",
            "songrec.prediction.models.kernel:SupportVectors",
            "Support vector machine",
            "A smooth function of the distance to the tracks it learned from (RBF kernel).",
            (
                _COMPONENTS,
                _SCALING,
                Parameter(
                    "strength", "float", 1.0, "Strength", "C: how closely it fits.", 0.05, 50.0
                ),
                Parameter(
                    "gamma",
                    "float",
                    0.5,
                    "Width",
                    "Kernel width as a multiple of 1 over the number of components.",
                    0.05,
                    5.0,
                ),
                Parameter(
                    "epsilon",
                    "float",
                    0.3,
                    "Tolerance",
                    "Errors smaller than this, in standard deviations, do not count.",
                    0.01,
                    0.5,
                ),
            ),
        ),
        Entry(
            "kernel_ridge",
            "songrec.prediction.models.kernel:KernelRidge",
            "Kernel ridge",
            "Like the support vector machine, on squared errors: it goes for the mean.",
            (
                Parameter(
                    "components",
                    "choice",
                    "all",
                    "Principal components",
                    _COMPONENTS.help,
                    choices=("50", "all"),
                ),
                Parameter(
                    "scaling",
                    "choice",
                    "quantile",
                    "Scaling",
                    _SCALING.help,
                    choices=("standard", "quantile"),
                ),
                Parameter("penalty", "float", 1.0, "Penalty", "L2 penalty.", 0.01, 30.0),
                Parameter(
                    "gamma",
                    "float",
                    0.3,
                    "Width",
                    "Kernel width as a multiple of 1 over the number of components.",
                    0.03,
                    3.0,
                ),
            ),
        ),
        Entry(
            "ridge",
            "songrec.prediction.models.linear:RidgeModel",
            "Ridge",
            "Linear with an L2 penalty; logistic for classes.",
            (_COMPONENTS, Parameter("penalty", "float", 100.0, "Penalty", "", 0.1, 3000.0)),
        ),
        Entry(
            "lasso",
            "songrec.prediction.models.linear:LassoModel",
            "Lasso",
            "Linear with an L1 penalty, which leaves features out; logistic for classes.",
            (_COMPONENTS, Parameter("penalty", "float", 0.03, "Penalty", "", 0.001, 0.5)),
        ),
        Entry(
            "elastic_net",
            "songrec.prediction.models.linear:ElasticNetModel",
            "Elastic net",
            "Linear with both penalties; logistic for classes.",
            (
                _COMPONENTS,
                Parameter("penalty", "float", 0.05, "Penalty", "", 0.001, 0.5),
                Parameter(
                    "balance", "float", 0.5, "Balance", "Share of L1 in the penalty.", 0.05, 0.95
                ),
            ),
        ),
    ),
)


def with_twins(
    parameters: Mapping[str, Mapping[str, Any]], columns: int
) -> dict[str, dict[str, Any]]:
    """Add to each model that is cheap on all columns its twin on the other number of components.

    ``parameters`` are those of each model; forests have no twin, for they take longest. With few
    ``columns`` principal components would only turn them.
    """
    members: dict[str, dict[str, Any]] = {}
    for name, values in parameters.items():
        members[name] = dict(values)
        default = str(BASE_MODELS.entry(name).resolve().get("components", "all"))
        if default != "all" and columns > int(default):
            other = "all" if values["components"] != "all" else default
            members[f"{name}{TWIN}{other}"] = {**values, "components": other}
    return members
