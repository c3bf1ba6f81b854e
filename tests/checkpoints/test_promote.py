"""Only what is measured to be better takes the place of what is served."""

import pytest

from backend import wire
from backend.checkpoints.promote import better


def pair(base: float, tuned: float) -> wire.Pair:
    return wire.Pair(base=base, tuned=tuned)


def rival(loss: wire.Pair, exact: wire.Pair, alike: wire.Pair) -> wire.Evaluation:
    found = wire.Rival(checkpoint="old:10", test_loss=loss, exact_match=exact, edit_similarity=alike)
    return wire.Evaluation(places=100, exact_match=pair(0, 1), edit_similarity=pair(0, 1), rival=found)


@pytest.mark.parametrize(
    ("loss", "exact", "alike", "won"),
    [
        ((1.0, 0.9), (0.2, 0.3), (0.5, 0.4), True),
        ((1.0, 0.9), (0.3, 0.2), (0.5, 0.9), False),
        ((0.9, 1.0), (0.2, 0.3), (0.5, 0.6), False),
        ((1.0, 1.0), (0.2, 0.3), (0.5, 0.6), False),
        ((1.0, 0.9), (0.2, 0.2), (0.5, 0.6), True),
        ((1.0, 0.9), (0.2, 0.2), (0.5, 0.5), False),
    ],
)
def test_better_means_all_measures(
    loss: tuple[float, float], exact: tuple[float, float], alike: tuple[float, float], won: bool
) -> None:
    found, why = better(rival(pair(*loss), pair(*exact), pair(*alike)))
    assert found is won
    assert "against old:10" in why


def test_without_a_rival_the_base_model_is_to_be_beaten() -> None:
    found = wire.Evaluation(
        places=10, exact_match=pair(0.1, 0.2), edit_similarity=pair(0.1, 0.2), test_loss=pair(2.0, 1.9)
    )
    told = "against the base model its test loss is 1.900 to 2.000, exact matches 20.0% to 10.0%"
    assert better(found) == (True, told)
    assert better(None)[0] is False
