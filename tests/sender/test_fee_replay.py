"""The production prices in generated storms: what could be mined is mined, and not at any price."""

import pytest
from bench import feereplay, storms

CASES = 800


@pytest.mark.parametrize("name", storms.STORMS)
def test_all_that_could_be_mined_is_mined_near_the_hindsight_optimum(name: str) -> None:
    """A small replay of the benchmark: all of the possible ones, at 1.5 times the best block on average."""
    storm = storms.weather(name, feereplay.SEED, feereplay.BLOCKS)
    scores = feereplay.replay(storm, list(feereplay.draw(storm, feereplay.SEED, CASES)))
    ours = scores["plasma-guard"]
    assert ours.possible > CASES / 2
    assert ours.landed == ours.possible
    assert ours.overpayment <= feereplay.TARGET
    assert scores["maximum"].overpayment > 2 * ours.overpayment


def test_a_storm_is_the_same_everywhere_and_moves_as_blocks_can() -> None:
    """An eighth up or down at most."""
    one, other = (storms.weather("panic", 7, 3_000) for _ in range(2))
    assert one == other
    for before, after in zip(one.base_fees, one.base_fees[1:], strict=False):
        assert abs(after - before) <= before // 8 + 1


def test_the_fixed_multiplier_misses_what_the_guard_lands() -> None:
    """Otherwise the comparison would say nothing."""
    storm = storms.weather("mints", feereplay.SEED, feereplay.BLOCKS)
    scores = feereplay.replay(storm, list(feereplay.draw(storm, feereplay.SEED, 3_000)))
    assert scores["multiplier"].landed < scores["multiplier"].possible
    assert scores["plasma-guard"].landed == scores["plasma-guard"].possible
