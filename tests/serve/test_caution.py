"""What a worker dares after steps that went wrong."""

import pytest
import torch

from backend.errors import Overloaded, RefactError
from backend.serve.caution import AGAIN, CALM_S, Caution, in_words


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused_memory() -> Exception:
    """As torch says it."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    return caught.value


def step(caution: Caution, running: int, error: Exception | None = None) -> int:
    if error:
        caution.saw(error)
    caution.stepped(running)
    return caution.rows


@pytest.mark.parametrize("error", [refused_memory(), MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_memory_makes_it_careful_at_once_and_calm_brings_all_back(error: Exception) -> None:
    clock = Clock()
    caution = Caution(32, 1000, clock)
    assert step(caution, 12, error) == 6 and caution.kept_bytes == 0
    assert step(caution, 6, error) == 3
    assert isinstance(in_words(error), Overloaded)
    found = []
    for _ in range(6):
        clock.now += CALM_S + 1
        found.append((step(caution, 3), caution.kept_bytes))
    assert found == [(6, 0), (12, 0), (24, 0), (32, 1000), (32, 1000), (32, 1000)]


def test_another_error_does_so_only_several_times_in_a_row() -> None:
    caution, error = Caution(8, 1000), ValueError("no")
    for _ in range(3):
        assert [step(caution, 8, error) for _ in range(AGAIN - 1)] == [8] * (AGAIN - 1)
        assert step(caution, 8) == 8
    assert [step(caution, 8, error) for _ in range(AGAIN)][-1] == 4 and caution.kept_bytes == 0
    assert [step(caution, 1, error) for _ in range(3 * AGAIN)][-1] == 1, "there is always room for one"
    assert isinstance(in_words(RefactError(str(refused_memory()))), Overloaded), "another process's words"
    known = RefactError("No.")
    assert in_words(known) is known and in_words(error).status == 500
