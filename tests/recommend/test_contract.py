"""Every registered recommender keeps the contract."""

import pytest

from songrec.recommend.registry import METHODS
from tests.recommend.contract import RecommenderContract


@pytest.fixture(params=METHODS.names())
def entry(request):
    return METHODS.entry(request.param)


class TestRegisteredRecommenders(RecommenderContract):
    pass
