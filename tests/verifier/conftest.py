"""One world per generation."""

import pytest

from plasma_guard.domain.exits import Generation
from verifier.in_flight_world import InFlightWorld
from verifier.world import GENERATIONS, World


@pytest.fixture(params=GENERATIONS, ids=str)
def generation(request: pytest.FixtureRequest) -> Generation:
    chosen = request.param
    assert isinstance(chosen, Generation)
    return chosen


@pytest.fixture
def world(generation: Generation) -> World:
    return World(generation)


@pytest.fixture
def game(generation: Generation) -> InFlightWorld:
    return InFlightWorld(generation)
