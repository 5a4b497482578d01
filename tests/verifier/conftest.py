"""One world per generation."""

import pytest

from plasma_guard.domain.exits import Generation
from verifier.world import GENERATIONS, World


@pytest.fixture(params=GENERATIONS, ids=str)
def generation(request: pytest.FixtureRequest) -> Generation:
    chosen = request.param
    assert isinstance(chosen, Generation)
    return chosen


@pytest.fixture
def world(generation: Generation) -> World:
    return World(generation)
