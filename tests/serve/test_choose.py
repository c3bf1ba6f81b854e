"""The next token is one of the fewest that hold `top_p` of the probability, whatever is asked for."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.serve.choose import choose
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


def test_at_nothing_the_likeliest_is_left() -> None:
    request = CompletionRequest(prompt="", temperature=1.0, top_p=0.0)
    assert choose(torch.tensor([0.0, 3.0, 1.0]), request, torch.Generator()) == 1
