"""The next token is one of the fewest that hold `top_p` of the probability, whatever is asked for."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.serve.choose import FEW, choose
from backend.serve.request import CompletionRequest


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=40), st.floats(0, 1), st.floats(0, 4), st.integers(0, 2**31 - 1)
)
def test_it_is_one_of_the_likeliest(logits: list[float], top_p: float, temperature: float, seed: int) -> None:
    line, generator = torch.tensor(logits), torch.Generator().manual_seed(seed)
    request = CompletionRequest(prompt="", temperature=temperature, top_p=top_p)
    chosen = choose(line, request, generator)
    if temperature < 0.01:
        assert line[chosen] == line.max()
        return
    shares = torch.softmax(line / temperature, -1)
    likelier = float(shares[shares > shares[chosen]].sum())
    assert likelier <= top_p + 1e-5 or shares[chosen] == shares.max()


@pytest.mark.parametrize(("top_p", "tokens"), [(1.0, 4), (0.85, 3), (0.4, 1)])
def test_they_come_as_often_as_they_are_likely(top_p: float, tokens: int) -> None:
    shares, generator = torch.tensor([0.05, 0.5, 0.15, 0.3]), torch.Generator().manual_seed(1)
    request = CompletionRequest(prompt="", temperature=2.0, top_p=top_p)
    drawn = Counter(choose(2 * shares.log(), request, generator) for _ in range(4000))
    kept = shares.sort(descending=True).indices[:tokens].tolist()
    assert set(drawn) == set(kept)
    for one in kept:
        assert drawn[one] / 4000 == pytest.approx(float(shares[one] / shares[kept].sum()), abs=0.03)


def test_where_few_do_not_hold_enough_all_are_put_in_order() -> None:
    request, generator = CompletionRequest(prompt="", temperature=1.0, top_p=0.9), torch.Generator().manual_seed(1)
    drawn = [choose(torch.zeros(4 * FEW), request, generator) for _ in range(300)]
    assert len(set(drawn)) > 200


def test_at_nothing_the_likeliest_is_left() -> None:
    request = CompletionRequest(prompt="", temperature=1.0, top_p=0.0)
    assert choose(torch.tensor([0.0, 3.0, 1.0]), request, torch.Generator()) == 1
